"""Filters and names as text: the examples of the RFCs, what is refused, and that no value breaks out of its place."""

import contextlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from tests.wire.ldap_samples import FILTERS
from vestibule.core.errors import Malformed
from vestibule.wire.ldap.active_directory import IN_CHAIN, LogonError, guid_octets, guid_text, linked, logon_error
from vestibule.wire.ldap.ber import Reader
from vestibule.wire.ldap.distinguished import Name, Part, escaped_value, parse_name
from vestibule.wire.ldap.filter_text import LONGEST_FILTER, escaped, filter_text, parse_filter
from vestibule.wire.ldap.filters import And, Equal, Filter, Present, decode_filter, encode_filter

FILTER_VECTORS = [pytest.param(dict(lines), id=name) for name, lines in blocks("ldap_filters.txt")]
NAME_VECTORS = [pytest.param(dict(lines), id=name) for name, lines in blocks("ldap_names.txt")]
HOSTILE = ["*", "*)(uid=*", "anna)(|(uid=*", "\\2a", "\\", "(", ")", "a\0b", "&", "|(a=b)", "anna*", "#", "é*)"]
VALUES = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.mark.parametrize("vector", FILTER_VECTORS)
def test_a_filter_is_read_and_written(vector: dict[str, str]) -> None:
    condition = parse_filter(vector["text"])
    assert filter_text(condition) == vector.get("written", vector["text"])
    assert parse_filter(filter_text(condition)) == condition
    octets = encode_filter(condition)
    assert decode_filter(Reader(octets)) == condition
    assert octets.hex(" ") == vector.get("octets", octets.hex(" "))


@given(FILTERS)
def test_a_filter_as_text_is_the_same_filter(condition: Filter) -> None:
    assert parse_filter(filter_text(condition)) == condition


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "column 1: a condition begins"),
        ("cn=a", "column 1: a condition begins"),
        ("(cn=a", "column 6: a closing bracket"),
        ("(cn=a))", "column 7: the filter goes on"),
        ("(cn=a)(cn=b)", "column 7: the filter goes on"),
        ("( cn=a)", "column 2: here should stand"),
        ("(=a)", "column 2: here should stand"),
        ("(cn)", "column 2: here should stand"),
        (r"(cn=\zz)", "column 5: a backslash"),
        (r"(cn=a\2)", "column 5: a backslash"),
        ("(cn=a**b)", "column 5: two stars"),
        ("(cn>=a*)", "column 7: a star"),
        ("(:=a)", "column 2: a comparison by rule"),
        ("(:dn:=a)", "column 2: a comparison by rule"),
        ("(!)", "column 3: a condition begins"),
        ("(!(a=b)(c=d))", "column 8: a closing bracket"),
        ("(" * 40 + "a=b" + ")" * 40, "column 2: here should stand"),
        ("(!" * 40 + "(a=b)" + ")" * 40, "column 61: more than 30"),
        ("(a=" + "x" * LONGEST_FILTER + ")", "longer than 8192"),
        ("(a=\0)", "column 4: a closing bracket"),
        ("(a=\ud800)", "column 4: a character"),
    ],
)
def test_a_filter_that_is_none_is_refused_with_its_column(text: str, place: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_filter(text)
    assert place in str(refused.value)


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_somebody_typed_stays_a_value(typed: str) -> None:
    condition = And((Present("objectClass"), Equal("uid", typed.encode())))
    assert decode_filter(Reader(encode_filter(condition))) == condition
    assert parse_filter(filter_text(condition)) == condition
    assert parse_filter(f"(uid={escaped(typed.encode())})") == Equal("uid", typed.encode())


@given(st.binary(max_size=30))
def test_escaped_octets_stand_for_themselves(value: bytes) -> None:
    assert parse_filter(f"(a={escaped(value)})") == Equal("a", value)


@given(st.text(alphabet="()&|!=*:\\<>~ab2;.dn", max_size=25))
def test_any_text_is_a_filter_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert parse_filter(filter_text(parse_filter(text))) == parse_filter(text)


@pytest.mark.parametrize("vector", NAME_VECTORS)
def test_a_name_is_read_and_means_what_another_spelling_means(vector: dict[str, str]) -> None:
    name = parse_name(vector["text"])
    assert parse_name(str(name)) == name
    assert name.key == parse_name(vector["same"]).key


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(["cn", "OU", "2.5.4.3"]), VALUES), min_size=1, max_size=2), max_size=3)
)
def test_a_name_as_text_is_the_same_name(parts: list[list[tuple[str, str]]]) -> None:
    name = Name(tuple(tuple(Part(kind, value) for kind, value in some) for some in parts))
    assert parse_name(str(name)) == name


@pytest.mark.parametrize("typed", [*HOSTILE, ",dc=org", "+ou=x", ' "', "a ", " a", "", "a;b", "<>"])
def test_a_value_stays_within_its_part_of_a_name(typed: str) -> None:
    assert parse_name(f"cn={escaped_value(typed)},dc=org").relative[0] == (Part("cn", typed),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("anna", "column 1"),
        ("=a", "column 1"),
        ("cn=a,", "column 6"),
        ("cn=a+", "column 6"),
        ('cn="a"', "column 4"),
        ("cn=a;b", "column 5"),
        (r"cn=a\xb", "column 5"),
        (r"cn=\ff", "column 4"),
        ("cn=#0", "column 4"),
        ("cn=a\0", "column 5"),
        ("cn=" + "a" * 5000, "longer"),
        (",".join(["a=b"] * 200), "more than 128"),
    ],
)
def test_a_name_that_is_none_is_refused_with_its_column(text: str, place: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_name(text)
    assert place in str(refused.value)


@given(st.text(alphabet='cn=,+\\ #"a2fF\0é;', max_size=25))
def test_any_text_is_a_name_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert parse_name(str(parse_name(text))) == parse_name(text)


def test_a_name_lies_below_another() -> None:
    base = parse_name("dc=example,dc=org")
    assert parse_name("cn=a,DC=Example, dc=org").within(base)
    assert base.within(base)
    assert base.within(parse_name(""))
    assert not parse_name("dc=org").within(base)
    assert not parse_name("cn=a,dc=badexample,dc=org").within(base)


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ("525", LogonError.NO_SUCH_USER),
        ("52e", LogonError.LOGON_FAILURE),
        ("530", LogonError.INVALID_LOGON_HOURS),
        ("531", LogonError.INVALID_WORKSTATION),
        ("532", LogonError.PASSWORD_EXPIRED),
        ("533", LogonError.ACCOUNT_DISABLED),
        ("701", LogonError.ACCOUNT_EXPIRED),
        ("773", LogonError.PASSWORD_MUST_CHANGE),
        ("775", LogonError.ACCOUNT_LOCKED_OUT),
        ("0", None),
        ("ffffffff", None),
    ],
)
def test_active_directory_says_why_a_bind_failed(data: str, meant: LogonError | None) -> None:
    text = f"80090308: LdapErr: DSID-0C09044F, comment: AcceptSecurityContext error, data {data}, v4563\0"
    assert logon_error(text) is meant
    assert logon_error(text.replace("data ", "DATA")) is None


def test_a_guid_is_told_as_people_write_it() -> None:
    octets = bytes.fromhex("78 56 34 12 34 12 78 56 12 34 56 78 12 34 56 78")
    assert guid_text(octets) == "12345678-1234-5678-1234-567812345678"
    assert guid_octets("{12345678-1234-5678-1234-567812345678}") == octets
    for value in (b"", bytes(15)):
        with pytest.raises(Malformed):
            guid_text(value)
    with pytest.raises(Malformed):
        guid_octets("12345678")


@given(st.uuids())
def test_a_guid_comes_back(value: uuid.UUID) -> None:
    assert guid_octets(guid_text(value.bytes_le)) == value.bytes_le


def test_groups_in_chain_are_asked_for_by_the_rule() -> None:
    condition = linked("member", "CN=Anna (Sales),DC=example,DC=org")
    assert filter_text(condition) == rf"(member:{IN_CHAIN}:=CN=Anna \28Sales\29,DC=example,DC=org)"
