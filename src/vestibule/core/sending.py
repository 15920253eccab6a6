"""What administrators may set about calls, texts and mail: how long a code lives, who is sent how many, and the money.

No limit can be switched off: each has a least value above nothing.
"""

from dataclasses import dataclass

NUMBER_TYPES = ("mobile", "fixed_line_or_mobile", "fixed_line", "voip")
"""Kinds of numbers that can be allowed at all; premium rates, pagers and the like never are."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Settings under `sending.`; docs/settings.md has a row for each. Money is in whole units of `currency`.

    `regions` are those that numbers may be in, beside the ones that an administrator gave to a person; with `text_pin`
    and `call_pin` 1 who has a PIN is asked for it, with `call_digit` 1 others press a drawn digit in calls. A
    `*_template` of "" is the text that comes along, by language.
    """

    text_seconds: float = 300.0
    text_tries: int = 3
    reply_seconds: float = 300.0
    call_seconds: float = 60.0
    mail_seconds: float = 600.0
    text_template: str = ""
    reply_template: str = ""
    mail_template: str = ""
    text_pin: int = 0
    call_pin: int = 0
    call_digit: int = 0
    fraud_code: str = "0"
    pin_digits: int = 4
    pin_days: int = 0
    pin_history: int = 4
    regions: tuple[str, ...] = ()
    number_types: tuple[str, ...] = NUMBER_TYPES[:3]
    person_attempts: int = 5
    person_in_5_minutes: int = 3
    person_in_hour: int = 10
    person_in_day: int = 20
    text_gap: float = 30.0
    call_gap: float = 60.0
    number_in_10_minutes: int = 3
    number_in_hour: int = 5
    number_in_day: int = 15
    new_number_in_day: int = 3
    prefix_numbers_in_hour: int = 10
    prefix_in_hour: int = 30
    address_in_hour: int = 10
    currency: str = "USD"
    assumed_text_price: float = 0.1
    assumed_call_price: float = 0.3
    region_money_in_day: float = 20.0
    money_in_day: float = 50.0
    money_in_month: float = 500.0
    used_alarm_percent: int = 50
    used_stop_percent: int = 10
