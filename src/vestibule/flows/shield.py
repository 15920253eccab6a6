"""Which numbers are never sent to, whatever else holds: fraud with telephone bills registers dear numbers. Pure."""

from vestibule.core.delivery import Medium
from vestibule.core.phones import Phone
from vestibule.core.sending import Sending
from vestibule.flows import dear_regions
from vestibule.flows.numbers import Number

UNKNOWN_TYPES = frozenset({"unknown"})
"""Numbers of ranges that the library does not know are mostly examples; regions and limits hold for them as well."""


def forbidden(number: Number, medium: Medium, phone: Phone, sending: Sending) -> str:
    """The rule that forbids it, "" for none.

    A number is in an allowed region when the settings name the region, or when an administrator gave the number and its
    region is not a dear one.
    """
    if not number.possible:
        return "impossible_number"
    if not number.region:
        return "no_region"
    if number.kind not in {*sending.number_types, *UNKNOWN_TYPES}:
        return "number_type"
    if medium is Medium.TEXT and number.kind == "fixed_line":
        return "number_type"
    if number.region in sending.regions:
        return ""
    if number.calling_code in (dear_regions.CALL if medium is Medium.CALL else dear_regions.TEXT):
        return "dear_region"
    return "" if phone.vouched else "region"
