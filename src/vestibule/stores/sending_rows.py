"""The settings of calls, texts and mail: help and bounds. None of the limits can be switched off."""

from vestibule.core.sending import NUMBER_TYPES
from vestibule.stores.setting_row import Row

_WITH_CODE = r".*<\$otp\$>.*"
_HOLDS = "a text of 1 to 253 octets in one line that holds <$otp$>"
_MONEY = 1_000_000

SENDING_ROWS = {
    "sending.text_seconds": Row("Seconds that a code sent by text is good.", 30, 600),
    "sending.text_tries": Row("Codes that may be typed, or replied, to one text or mail.", 1, 5),
    "sending.reply_seconds": Row("Seconds that a reply to a text is awaited.", 30, 600),
    "sending.call_seconds": Row("Seconds that a call is awaited to end, from the dialling.", 45, 120),
    "sending.mail_seconds": Row("Seconds that a code sent by mail is good.", 60, 600),
    "sending.text_template": Row(
        "What a text says, instead of the text that comes along in the person's language.",
        like=_WITH_CODE,
        words=_HOLDS,
    ),
    "sending.reply_template": Row(
        "What a text says that is to be replied to, instead of the one that comes along.", like=_WITH_CODE, words=_HOLDS
    ),
    "sending.mail_template": Row(
        "What a mail with a code says, instead of the text that comes along.", like=_WITH_CODE, words=_HOLDS
    ),
    "sending.text_pin": Row("1 asks who has a PIN for it behind a code by text, unless the number says else.", 0, 1),
    "sending.call_pin": Row("1 asks who has a PIN for it in calls, unless the number says else.", 0, 1),
    "sending.call_digit": Row("1 has a drawn digit pressed before # in calls without a PIN.", 0, 1),
    "sending.fraud_code": Row(
        "What is keyed in a call to report a fraud; the sounds that come along say 0.",
        like=r"[0-9]{1,10}",
        words="1 to 10 digits",
    ),
    "sending.pin_digits": Row("Digits that a new PIN has at least.", 4, 16),
    "sending.pin_days": Row("Days after which a PIN must be changed; 0 is never.", 0, 3650),
    "sending.pin_history": Row("Earlier PINs that can not be taken again.", 0, 20),
    "sending.regions": Row(
        "Regions (ISO 3166) of numbers that people may add themselves, and that are reached although they are on the "
        "list of those that are not.",
        like="[A-Z]{2}",
        words="a list of regions, such as US, NL",
    ),
    "sending.number_types": Row("Kinds of numbers that are reached.", choices=NUMBER_TYPES),
    "sending.person_attempts": Row("Sends that one person may ask for in 5 minutes, whatever becomes of them.", 1, 100),
    "sending.person_in_5_minutes": Row("Calls and texts to one person in 5 minutes.", 1, 100),
    "sending.person_in_hour": Row("Calls and texts to one person in an hour.", 1, 1000),
    "sending.person_in_day": Row("Calls and texts to one person in a day.", 1, 10_000),
    "sending.text_gap": Row("Seconds between two texts to one person.", 1, 3600),
    "sending.call_gap": Row("Seconds between two calls to one person.", 1, 3600),
    "sending.number_in_10_minutes": Row("Calls and texts to one number in 10 minutes, whoever asks.", 1, 100),
    "sending.number_in_hour": Row("Calls and texts to one number in an hour.", 1, 1000),
    "sending.number_in_day": Row("Calls and texts to one number in a day.", 1, 10_000),
    "sending.new_number_in_day": Row("Calls and texts to a number on its first day, or after its change.", 1, 100),
    "sending.prefix_numbers_in_hour": Row(
        "Numbers of the same first seven digits, none of them proven before, that are reached in an hour.", 1, 100_000
    ),
    "sending.prefix_in_hour": Row("Sends to such numbers in an hour.", 1, 100_000),
    "sending.address_in_hour": Row(
        "Sends in an hour that one address asked for and that came to nothing; those that let in do not count.",
        1,
        100_000,
    ),
    "sending.currency": Row(
        "The currency of prices and of the limits of money.", like="[A-Z]{3}", words="three letters (ISO 4217)"
    ),
    "sending.assumed_text_price": Row("What a text is taken to cost where no price is known.", 0.001, 100),
    "sending.assumed_call_price": Row("What a minute of a call is taken to cost where no price is known.", 0.001, 100),
    "sending.region_money_in_day": Row("Money for one region in a day.", 0.01, _MONEY),
    "sending.money_in_day": Row(
        "Money in a day; at four fifths the journal says so, at all of it sending stops.", 0.01, _MONEY
    ),
    "sending.money_in_month": Row("Money in a month, in the same way.", 0.01, _MONEY),
    "sending.used_alarm_percent": Row("Where fewer of 100 codes to a region are used, the journal says so.", 1, 99),
    "sending.used_stop_percent": Row("Where fewer are used, that region is not sent to for an hour.", 1, 99),
}
