"""Dictionaries: the built-in one, every line that is refused with its place, every type and its bad values."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.errors import Malformed
from vestibule.wire.radius.dictionary import Dictionary, parse, standard
from vestibule.wire.radius.packet import Attribute, encode_attributes

TYPES = """
# One attribute of each type
ATTRIBUTE Text 1 string     # a comment behind words
ATTRIBUTE Raw 2 octets
ATTRIBUTE Count 0x03 integer
ATTRIBUTE Four 4 ipaddr
ATTRIBUTE Six 5 ipv6addr
ATTRIBUTE When 6 date
ATTRIBUTE One 7 byte
ATTRIBUTE Two 8 short
ATTRIBUTE Eight 9 integer64
ATTRIBUTE Hidden 10 string encrypt=2
ATTRIBUTE Label 11 string has_tag
ATTRIBUTE Rank 12 integer has_tag
ATTRIBUTE Several 13 string array,concat
VALUE Count Dozen 12
VALUE Count Score 0x14
VALUE Rank First 1
vendor Acme 4711
BEGIN-VENDOR Acme
ATTRIBUTE Acme-Group 1 string
ATTRIBUTE Acme-Level 2 byte
VALUE Acme-Level High 9
END-VENDOR Acme
"""
ACME = b"\x00\x00\x12\x67"


def known() -> Dictionary:
    return parse(TYPES, file="acme")


@pytest.mark.parametrize(
    ("name", "text", "attribute"),
    [
        ("Text", "Grüße", (1, "Grüße".encode())),
        ("tExT", "a", (1, b"a")),
        ("Text", "a" * 253, (1, b"a" * 253)),
        ("Raw", "0x00ff", (2, b"\x00\xff")),
        ("Raw", "staff", (2, b"staff")),
        ("Count", "3600", (3, b"\x00\x00\x0e\x10")),
        ("Count", "4294967295", (3, b"\xff\xff\xff\xff")),
        ("Count", "0xff", (3, b"\x00\x00\x00\xff")),
        ("Count", "Dozen", (3, b"\x00\x00\x00\x0c")),
        ("Count", "score", (3, b"\x00\x00\x00\x14")),
        ("Four", "192.0.2.10", (4, b"\xc0\x00\x02\x0a")),
        ("Six", "2001:db8::10", (5, b"\x20\x01\x0d\xb8" + bytes(11) + b"\x10")),
        ("When", "0", (6, bytes(4))),
        ("When", "1970-01-01T00:01:00+00:00", (6, b"\x00\x00\x00\x3c")),
        ("When", "1970-01-01T02:00:00+01:00", (6, b"\x00\x00\x0e\x10")),
        ("One", "255", (7, b"\xff")),
        ("Two", "256", (8, b"\x01\x00")),
        ("Eight", "18446744073709551615", (9, b"\xff" * 8)),
        ("Label", "vlan", (11, b"vlan")),
        ("Label:0", "vlan", (11, b"vlan")),
        ("Label:1", "vlan", (11, b"\x01vlan")),
        ("Label", "\x01vlan", (11, b"\x00\x01vlan")),
        ("Rank", "First", (12, b"\x00\x00\x00\x01")),
        ("Rank:31", "16777215", (12, b"\x1f\xff\xff\xff")),
        ("Several", "one", (13, b"one")),
        ("Acme-Group", "staff", (26, ACME + b"\x01\x07staff")),
        ("Acme-Group", "a" * 247, (26, ACME + b"\x01\xf9" + b"a" * 247)),
        ("Acme-Level", "high", (26, ACME + b"\x02\x03\x09")),
    ],
)
def test_a_named_value_becomes_its_attribute(name: str, text: str, attribute: tuple[int, bytes]) -> None:
    assert known().encode(name, text) == attribute
    assert encode_attributes([attribute])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Nothing", "1", "'Nothing': no such attribute; correct the name or add a dictionary"),
        ("Text", "", "Text: the value is empty"),
        ("Text", "a" * 254, "Text: the value takes 254 octets, at most 253 fit"),
        ("Text", "\ud800", "Text: the text has characters that UTF-8 can not write"),
        ("Text:1", "a", "Text:1: the attribute takes no tag"),
        ("Raw", "0x", "Raw: the value is empty"),
        ("Raw", "0x0", "Raw: behind 0x stand two hexadecimal digits"),
        ("Raw", "0xzz", "Raw: behind 0x stand two hexadecimal digits"),
        ("Count", "", r"Count: neither a number nor one of its named values \(dozen, score\)"),
        ("Count", "-1", "Count: neither a number"),
        ("Count", "1_0", "Count: neither a number"),
        ("Count", "٣", "Count: neither a number"),
        ("Count", "4294967296", "Count: the number is above 4294967295"),
        ("Four", "192.0.2", "Four: not an IPv4 address; write one like 192.0.2.10"),
        ("Four", "2001:db8::10", "Four: not an IPv4 address"),
        ("Six", "192.0.2.10", "Six: not an IPv6 address"),
        ("Six", "fe80::1%eth0", "Six: not an IPv6 address"),
        ("When", "tomorrow", "When: not a date"),
        ("When", "2030-01-31T12:00:00", "When: not a date; write seconds since 1970 or a date like"),
        ("When", "1969-12-31T23:00:00+00:00", "When: the date is before 1970"),
        ("When", "2200-01-01T00:00:00Z", "When: the number is above 4294967295"),
        ("One", "256", "One: the number is above 255"),
        ("Two", "many", "Two: neither a number nor one of its named values$"),
        ("Hidden", "a", "Hidden: it is sent encrypted"),
        ("Label:32", "a", "'Label:32': a tag is a number from 0 to 31"),
        ("Label", "", "Label: the value is empty"),
        ("Label:1", "a" * 253, "Label: the value takes 254 octets"),
        ("Rank:1", "16777216", "Rank: beside its tag the number has three octets"),
        ("Acme-Group", "a" * 248, "Acme-Group: the value takes 248 octets, at most 247 fit"),
    ],
)
def test_a_bad_value_is_refused_with_the_attribute_and_the_cure(name: str, text: str, words: str) -> None:
    with pytest.raises(Malformed, match=f"^({words})"):
        known().encode(name, text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ATTRIBUTE Text 1 tlv", "unknown type; use one of string, octets, integer, ipaddr"),
        ("ATTRIBUTE Text 1", "not understood; write VENDOR, BEGIN-VENDOR"),
        ("ATTRIBUTE Text 0 string", "the number is not one from 1 to 255"),
        ("ATTRIBUTE Text 256 string", "the number is not one from 1 to 255"),
        ("ATTRIBUTE Text 26.9.1 string", "the number is not one from 1 to 255"),
        ("ATTRIBUTE Text 1 string virtual", "unknown option behind the type; use has_tag"),
        ("ATTRIBUTE Text 1 string Cisco", "unknown option behind the type"),
        ("ATTRIBUTE Text 1 ipaddr has_tag", "has_tag goes with string and integer only"),
        ("ATTRIBUTE First 2 string", "the name is defined already, otherwise"),
        ("VALUE First One 1", "only attributes of type byte, short, integer, integer64 have named values"),
        ("VALUE Missing One 1", "the attribute is not defined; write its ATTRIBUTE line before this line"),
        ("VALUE Small One 256", "the number is not one from 0 to 255"),
        ("VALUE Small Two 3", "the name is defined already, otherwise"),
        ("VENDOR Acme 0", "the number is not one from 1 to 16777215"),
        ("VENDOR Acme 1 format=2,1", "only vendors with format=1,1 are supported"),
        ("BEGIN-VENDOR Nobody", "the vendor is not defined; write a VENDOR line"),
        ("BEGIN-VENDOR Known", "BEGIN-VENDOR and END-VENDOR do not match in this file"),
        ("END-VENDOR Known", "this vendor is not open"),
        ("BEGIN-TLV Something", "not understood"),
        ("$INCLUDE", "not understood"),
        ("$INCLUDE more", r"\$INCLUDE is not available here; put the lines of that file in its place"),
        ("$INCLUDE /etc/passwd", r"\$INCLUDE takes a file of the same folder; copy it there"),
        ("$INCLUDE ../more", r"\$INCLUDE takes a file of the same folder"),
        (r"$INCLUDE ..\more", r"\$INCLUDE takes a file of the same folder"),
        ("$INCLUDE ..", r"\$INCLUDE takes a file of the same folder"),
    ],
)
def test_a_line_that_is_not_understood_is_refused_with_file_line_and_cure(line: str, words: str) -> None:
    before = "ATTRIBUTE First 1 string\nATTRIBUTE Small 2 byte\nVALUE Small Two 2\nVENDOR Known 7 format=1,1\n"
    with pytest.raises(Malformed, match=f"^acme, line 5: {words}"):
        parse(before + line, file="acme")


def test_a_vendor_inside_a_vendor_is_refused() -> None:
    text = "VENDOR A 1\nVENDOR B 2\nBEGIN-VENDOR A\nBEGIN-VENDOR B"
    with pytest.raises(Malformed, match=r"^acme, line 4: a vendor is open already"):
        parse(text, file="acme")


def test_a_line_may_be_repeated_as_it_is() -> None:
    assert parse(TYPES + TYPES, file="acme") == known()


def test_an_added_dictionary_may_redefine_what_was_known_before() -> None:
    added = parse("ATTRIBUTE Filter-Id 11 octets\n", file="own", onto=standard())
    assert added.encode("Filter-Id", "0x01") == (11, b"\x01")
    assert added.encode("Class", "staff") == (25, b"staff")
    assert standard().encode("Filter-Id", "0x01") == (11, b"0x01")


def test_a_file_of_the_same_folder_is_included_where_it_is_named() -> None:
    files = {"more": "ATTRIBUTE Second 2 string\n$INCLUDE most\n", "most": "ATTRIBUTE Third 3 string"}
    text = "ATTRIBUTE First 1 string\n$INCLUDE more\nVALUE Third One 1"
    with pytest.raises(Malformed, match=r"^acme, line 3: only attributes of type"):
        parse(text, file="acme", included=files.__getitem__)
    assert len(parse(text.rpartition("\n")[0], file="acme", included=files.__getitem__).definitions) == 3


def test_an_error_in_an_included_file_names_that_file() -> None:
    with pytest.raises(Malformed, match=r"^more, line 2: not understood"):
        parse("$INCLUDE more", file="acme", included=lambda _name: "# fine\nnonsense")


def test_an_included_file_closes_the_vendor_it_opens() -> None:
    with pytest.raises(Malformed, match=r"^more, line 1: BEGIN-VENDOR and END-VENDOR do not match"):
        parse("VENDOR A 1\n$INCLUDE more\nEND-VENDOR A", file="acme", included=lambda _name: "BEGIN-VENDOR A")


@pytest.mark.parametrize("file", ["loop", "/etc/vestibule/loop"])
def test_a_file_that_includes_itself_is_refused(file: str) -> None:
    with pytest.raises(Malformed, match="line 1: this file includes itself"):
        parse("$INCLUDE loop", file=file, included=lambda _name: "$INCLUDE loop")


def test_an_included_file_that_can_not_be_read_is_refused_with_the_line_that_names_it() -> None:
    def absent(_name: str) -> str:
        raise FileNotFoundError

    with pytest.raises(Malformed, match=r"^acme, line 1: the included file can not be read"):
        parse("$INCLUDE more", file="acme", included=absent)


@given(st.text())
def test_arbitrary_text_parses_or_is_malformed(text: str) -> None:
    with suppress(Malformed):
        parse(text, file="acme")


@given(st.sampled_from(sorted(standard().definitions)), st.text(max_size=300))
def test_arbitrary_values_encode_or_are_malformed(name: str, text: str) -> None:
    with suppress(Malformed):
        assert encode_attributes([standard().encode(name, text)])


@pytest.mark.parametrize(
    ("name", "text", "attribute"),
    [
        ("Service-Type", "Administrative-User", (6, b"\x00\x00\x00\x06")),
        ("Session-Timeout", "28800", (27, b"\x00\x00\x70\x80")),
        ("Tunnel-Type:1", "VLAN", (64, b"\x01\x00\x00\x0d")),
        ("Tunnel-Private-Group-Id:1", "42", (81, b"\x0142")),
        ("Cisco-AVPair", "shell:priv-lvl=15", (26, b"\x00\x00\x00\x09\x01\x13shell:priv-lvl=15")),
        ("Fortinet-Group-Name", "vpn", (26, b"\x00\x00\x30\x44\x01\x05vpn")),
        ("PaloAlto-Admin-Role", "su", (26, b"\x00\x00\x63\x75\x01\x04su")),
        ("MS-Primary-DNS-Server", "192.0.2.53", (26, b"\x00\x00\x01\x37\x1c\x06\xc0\x00\x02\x35")),
    ],
)
def test_the_built_in_dictionary_knows_what_replies_commonly_carry(
    name: str, text: str, attribute: tuple[int, bytes]
) -> None:
    assert standard().encode(name, text) == attribute


def test_the_built_in_dictionary_agrees_with_the_attribute_numbers_of_the_codec() -> None:
    names = {attribute.name.replace("_", "-").lower(): attribute.value for attribute in Attribute}
    shared = names.keys() & standard().definitions.keys()
    assert len(shared) > 10
    assert all(standard().definitions[name].number == names[name] for name in shared)


@pytest.mark.requirement(37)
@pytest.mark.parametrize("line", ["Message-Authenticator 80 octets", "Proxy-State 33 octets"])
def test_what_every_reply_sets_by_itself_can_not_be_set_by_name(line: str) -> None:
    added = parse(f"ATTRIBUTE {line}", file="own", onto=standard())
    with pytest.raises(Malformed, match="every reply sets it by itself; remove it"):
        added.encode(line.split(" ", maxsplit=1)[0], "0x00")
