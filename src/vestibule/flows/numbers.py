"""Telephone numbers: read from what people write, and what is known of one. The only place that knows the library."""

from dataclasses import dataclass, field
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from vestibule.flows.refused import Refused

PREFIX_DIGITS = 7
NOT_A_NUMBER = "This is no telephone number. Write it with its country, as +1 425 555 0100."
NO_SUCH_NUMBER = "No such telephone number can exist. Look at its digits."
NOWHERE = ("", "001")  # 001: satellites, global networks, free and premium services of no country

TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
}
UNKNOWN_TYPE = "unknown"


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the form of E.164, and what is known of it.

    `region` is its country (ISO 3166), "" for none; `calling_code` the digits before the national number, with the area
    of numbers under +1; `kind` is one of `TYPES`; `possible` is whether its length can be dialled.
    """

    e164: str = field(repr=False)
    region: str
    calling_code: str
    kind: str
    possible: bool = True

    @property
    def prefix(self) -> str:
        """Its first seven digits, by which many are counted together."""
        return self.e164[: PREFIX_DIGITS + 1]

    @property
    def tail(self) -> int:
        """Its last digits, as a number."""
        return int(self.e164[-6:])


def read_number(text: str, region: str = "") -> tuple[Number, str]:
    """A number as somebody wrote it, and its extension ("" for none): `+1 425 555 0100 x1234`, `… x@1234`.

    One without its country is read as of `region`. Refused when it is none. Numbers of ranges that are kept for
    examples are taken.
    """
    written, _, extension = text.strip().lower().replace("ext.", "x").replace("ext", "x").partition("x")
    try:
        parsed = phonenumbers.parse(written, region or None)
    except NumberParseException:
        raise Refused(NOT_A_NUMBER, "number") from None
    number = _known(parsed)
    if not number.possible:
        raise Refused(NO_SUCH_NUMBER, "number")
    return number, extension.strip()


def calling_code(region: str) -> int:
    """The digits after `+` of a region, 0 for one that does not exist."""
    return int(phonenumbers.country_code_for_region(region))


@lru_cache(maxsize=65536)
def known_number(e164: str) -> Number:
    """What is known of a number in the form of E.164; one that makes no sense is in no region."""
    try:
        return _known(phonenumbers.parse(e164))
    except NumberParseException:
        return Number(e164, "", "", UNKNOWN_TYPE, possible=False)


def _known(parsed: PhoneNumber) -> Number:
    region = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return Number(
        e164,
        "" if region in {*NOWHERE, "ZZ"} else str(region),
        e164[1:5] if parsed.country_code == 1 else str(parsed.country_code),
        TYPES.get(phonenumbers.number_type(parsed), UNKNOWN_TYPE),
        phonenumbers.is_possible_number(parsed),
    )
