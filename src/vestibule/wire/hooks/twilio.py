"""The signature of Twilio's webhooks: HMAC over our URL and the parameters of the form, or the URL and a body's hash.

Rules of this file:
- The URL is the one that we gave, as configured; with and without its usual port, for Twilio signs either.
- There is no time in it: what was recorded can be played again, and is then the same report once more.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from vestibule.core.delivery import Forged
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret

SIGNATURE: Final = "x-twilio-signature"
BODY_HASH: Final = "bodySHA256"
MOST_FIELDS: Final = 200
USUAL_PORTS: Final = {"https": 443, "http": 80}

Fields = tuple[tuple[str, str], ...]


def form_fields(body: bytes) -> Fields:
    """The fields of a form. Raises Malformed."""
    try:
        return tuple(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError:  # UnicodeDecodeError is one
        raise Malformed("the body is not a form") from None


def demand_signed(token: Secret, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises Forged unless the request is signed with the account's auth token; Malformed for a broken form."""
    found = headers.get(SIGNATURE, "").encode()
    hashed = dict(parse_qsl(urlsplit(url).query)).get(BODY_HASH)
    if hashed is None:
        fields = form_fields(body)
    elif hmac.compare_digest(sha256(body).hexdigest().encode(), hashed.lower().encode(errors="replace")):
        fields = ()
    else:
        raise Forged("the body is another one")
    if not any(hmac.compare_digest(found, signature(token, one, fields)) for one in _spellings(url)):
        raise Forged("the signature is not right")


def signature(token: Secret, url: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """What stands in the header: every name with every distinct value of it, in order, after the URL."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(token.reveal(), signed.encode(errors="surrogatepass"), "sha1"))


def _spellings(url: str) -> Iterator[str]:
    """The URL with its port written out, and without."""
    pieces = urlsplit(url)
    host = pieces.netloc.rpartition("@")[2]
    bare = host.removesuffix(f":{pieces.port}") if pieces.port else host
    yield urlunsplit(pieces._replace(netloc=bare))
    yield urlunsplit(pieces._replace(netloc=f"{bare}:{pieces.port or USUAL_PORTS.get(pieces.scheme, 443)}"))
