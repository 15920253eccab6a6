"""What a voice can say in a call: the names of its messages, and their words in every language that we ship.

The words are data (`call_texts/*.toml`), so that a translator needs no Python. A provider that speaks by itself is
given the words; the others play recordings of them (`flows/sounds.py`).
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

DEFAULT_LANGUAGE = "en"
LANGUAGES = ("en", "nl", "th")


class Sound(StrEnum):
    """One message. Administrators replace it by a recording of their own under this name."""

    GREETING = "greeting"
    GREETING_PIN = "greeting_pin"
    FRAUD_GREETING = "fraud_greeting"
    FRAUD_GREETING_PIN = "fraud_greeting_pin"
    RETRY = "retry"
    RETRY_PIN = "retry_pin"
    SUCCESS = "authentication_successful"
    DENIED = "authentication_denied"
    DENIED_RETRY = "authentication_denied_retry"
    FRAUD_CONFIRMATION = "fraud_confirmation"
    FRAUD_REPORTED = "fraud_reported"
    EXTENSION = "extension_prompt"
    EXTENSION_BEFORE_DIGITS = "extension_prompt_before_digits"
    EXTENSION_AFTER_DIGITS = "extension_prompt_after_digits"
    ACTIVATION = "activation"
    ACTIVATION_GREETING = "activation_greeting"
    ACTIVATION_GREETING_PIN = "activation_greeting_pin"
    ACTIVATION_RETRY = "activation_retry"
    CODE_OFFER = "code_offer"
    CODE_BEFORE_DIGITS = "code_before_digits"
    CODE_AGAIN = "code_again"
    CODE_AFTER_DIGITS = "code_after_digits"
    TEST = "test_call"
    NEW_PIN = "new_pin"
    NEW_PIN_RETRY = "new_pin_retry"
    NEW_PIN_AGAIN = "new_pin_again"
    CONFIRM_BEFORE_DIGIT = "confirm_before_digit"
    CONFIRM_AFTER_DIGIT = "confirm_after_digit"
    FRAUD_OFFER = "fraud_offer"
    DIGIT_0 = "digit_0"
    DIGIT_1 = "digit_1"
    DIGIT_2 = "digit_2"
    DIGIT_3 = "digit_3"
    DIGIT_4 = "digit_4"
    DIGIT_5 = "digit_5"
    DIGIT_6 = "digit_6"
    DIGIT_7 = "digit_7"
    DIGIT_8 = "digit_8"
    DIGIT_9 = "digit_9"


def digit_sounds(text: str) -> tuple[Sound, ...]:
    """The digits of a text, one sound each; what is no digit is not said."""
    return tuple(Sound(f"digit_{sign}") for sign in text if sign.isascii() and sign.isdecimal())


def languages_for(locale: str) -> tuple[str, ...]:
    """Where the words for a locale are looked for: pt-BR, pt, en. Languages are written as in BCP 47."""
    wanted = locale.replace("_", "-")
    return tuple(dict.fromkeys(one for one in (wanted, wanted.partition("-")[0], DEFAULT_LANGUAGE) if one))


def spoken_language(locale: str) -> str:
    """The language of ours that is spoken to a person of this locale."""
    return next(one for one in languages_for(locale) if one in LANGUAGES)


def words(sound: str, locale: str) -> str:
    """What this message says. Raises ValueError for one that we do not know."""
    return _texts(spoken_language(locale))[Sound(sound)]


@cache
def _texts(language: str) -> Mapping[Sound, str]:
    text = files(__package__).joinpath("call_texts", f"{language}.toml").read_text(encoding="utf-8")
    return {Sound(name): said for name, said in tomllib.loads(text).items()}
