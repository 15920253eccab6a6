"""A prompt in the words of the settings, for doors that can show one line of text."""

from typing import assert_never

from vestibule.core.prompts import AnswerCall, Approve, Prompt, ReplyToText, TypeCode, UsePasskey
from vestibule.core.snapshot import Settings

PLACE = "{to}"


def in_words(prompt: Prompt, settings: Settings) -> str:
    """What a client shows."""
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
