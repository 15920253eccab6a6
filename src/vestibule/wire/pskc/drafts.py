"""PSKC before RFC 6030, brought into the form of the RFC.

Known are the forms of draft-hoyer-keyprov-portable-symmetric-key-container (2006, as SecretContainer and as
KeyContainer) and of draft-ietf-keyprov-pskc up to 02 (2009). Only values that are not encrypted are read: how the
drafts protected values changed from one to the next and leaves too much open.
"""

import base64
import binascii
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.pskc.protection import fragment
from vestibule.wire.xml_elements import Element

PSKC: Final = "urn:ietf:params:xml:ns:keyprov:pskc"
"""The namespace of the RFC, and of the last drafts before it."""

NAMESPACES: Final = (
    f"{PSKC}:1.0",
    "urn:ietf:params:xml:ns:keyprov:container",
    "urn:ietf:params:xml:ns:keyprov:container:1.0",
    "http://www.openauthentication.org/OATH/2006/08/PSKC",
    "http://www.openauthentication.org/OATH/2006/10/PSKC",
)
"""The namespaces of drafts."""

_NAMES: Final = {"Device": "KeyPackage", "DeviceId": "DeviceInfo", "Usage": "AlgorithmParameters"}
_ATTRIBUTES: Final = {
    "KeyAlgorithm": "Algorithm",
    "SecretAlgorithm": "Algorithm",
    "KeyId": "Id",
    "SecretId": "Id",
    "length": "Length",
    "format": "Encoding",
    "Format": "Encoding",
}
_DATA: Final = {
    "SECRET": "Secret",
    "COUNTER": "Counter",
    "TIME": "Time",
    "TIME_INTERVAL": "TimeInterval",
    "TIME_DRIFT": "TimeDrift",
}
_OPEN: Final = ("", "none")


def check_open(header: Element) -> None:
    """Refuse a draft's EncryptionKey or EncryptionMethod, unless it says that nothing is encrypted."""
    told = fragment(header.attributes.get("algorithm", header.attributes.get("Algorithm", "")))
    if header.name == "EncryptionKey" or told not in _OPEN:
        raise Malformed(
            f"line {header.line}: the file is encrypted in the manner of a draft before RFC 6030, which is not "
            "supported; ask the issuer for a file as in RFC 6030"
        )


def modern(device: Element) -> Element:
    """Give the Device of a draft as the KeyPackage of the RFC."""
    package = _renamed(device)
    for part in device.children:
        if part.name in {"Key", "Secret"}:
            package.children.append(_key(part))
        else:
            package.children.append(_renamed(part, part.children))
    return package


def _key(old: Element) -> Element:
    key = _renamed(old)
    key.name = "Key"
    key.attributes["Algorithm"] = f"{PSKC}:{fragment(key.attributes.get('Algorithm', ''))}"
    data = Element(PSKC, "Data", old.line)
    for part in old.children:
        if part.name == "Data":
            data.children += [_value(part)] if "Name" in part.attributes else part.children
        else:
            key.children.append(_renamed(part, [_renamed(child, child.children) for child in part.children]))
    key.children.append(data)
    return key


def _value(old: Element) -> Element:
    """Turn a named value into one as in the RFC; numbers were written as Base64 of their octets."""
    name = _DATA.get(old.attributes["Name"].upper(), "")
    plain = old.required("Value")
    if not name:
        raise Malformed(f"line {old.line}: Data has a Name that is not one of {', '.join(_DATA)}")
    text = plain.text.strip() if name == "Secret" else _number(plain)
    return Element(PSKC, name, old.line, children=[Element(PSKC, "PlainValue", plain.line, text=text)])


def _number(plain: Element) -> str:
    text = plain.text.strip()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return text
    try:
        return str(int.from_bytes(base64.b64decode(text, validate=True), "big"))
    except (binascii.Error, ValueError):
        raise Malformed(f"line {plain.line}: Value is neither a number nor Base64; the file is damaged") from None


def _renamed(old: Element, children: list[Element] | None = None) -> Element:
    attributes = {_ATTRIBUTES.get(name, name): value for name, value in old.attributes.items()}
    return Element(PSKC, _NAMES.get(old.name, old.name), old.line, attributes, list(children or ()), old.text)
