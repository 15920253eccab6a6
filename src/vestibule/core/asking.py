"""A prompt in the words of the settings, for doors that can show one line of text."""

from typing import assert_never

from vestibule.core.prompts import AnswerCall, Approve, Prompt, ReplyToText, TypeCode, UsePasskey, Way, words_of
from vestibule.core.snapshot import Settings

PLACE = "{to}"
WAYS = "{ways}"


def in_words(prompt: Prompt, settings: Settings, ways: tuple[Way, ...] = ()) -> str:
    """What a client shows; with `ways` also which word asks for another."""
    asked = _asked(prompt, settings)
    return f"{asked} {settings.text_other_ways.replace(WAYS, ', '.join(words_of(ways)))}" if ways else asked


def _asked(prompt: Prompt, settings: Settings) -> str:
    match prompt:
        case TypeCode(sent_to=""):
            return settings.text_enter_code
        case TypeCode(sent_to):
            return settings.text_code_sent.replace(PLACE, sent_to)
        case AnswerCall(number=number):
            return settings.text_call.replace(PLACE, number)
        case ReplyToText(number=number):
            return settings.text_reply.replace(PLACE, number)
        case Approve() | UsePasskey():
            return settings.text_wait
        case _:
            assert_never(prompt)
