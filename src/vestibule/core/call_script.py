"""The conversation of a call: what is said, and what a key means. The same for every provider. Pure.

Rules of this file:
- Keys are kept until `#`; only then is anything `Entered`. At the question whether to be blocked one key is enough.
- What is entered goes to the engine; what the engine says of it comes back through `told`. Until then keys are ignored.
- A question is asked `ASKS` times at most, and nobody is kept longer than `LONGEST_SECONDS` after the answer.
- Keys pressed before `DEAF_SECONDS` are nobody's: a person has not yet heard anything, a recorded greeting has.
- Whoever has entered the fraud code has reported a fraud, also when they then hang up.
- The state holds what was keyed. It is written by `written` and sealed where it is stored; no log sees it.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from vestibule.core.call_sounds import Sound, digit_sounds
from vestibule.core.decisions import Accept, Decision, Reject, Wait
from vestibule.core.delivery import CallCause, CallEvent, Over, Picked, Played, Pressed, Say, Silence
from vestibule.core.prompts import AnswerCall
from vestibule.core.reasons import Reason, Result

ASKS = 3
FIRST_KEY_SECONDS = 8.0
NEXT_KEY_SECONDS = 5.0
DEAF_SECONDS = 0.8
LONGEST_SECONDS = 60.0
LONGEST_ENTRY = 20
"""More keys before a `#` are a machine's."""

PLAIN, PIN, PIN_RETRY, FRAUD, NEW_PIN, NEW_PIN_AGAIN = "", "pin", "pin_retry", "fraud", "new_pin", "new_pin_again"
"""The stages of `AnswerCall`."""

_SAME_QUESTION = {PIN_RETRY: PIN}
_DIALLED = frozenset("0123456789,*#")
_BY_HAND = "@"


class Phase(StrEnum):
    """How far a call has come."""

    RINGING = "ringing"
    REACHING = "reaching"  # somebody has answered, maybe not at the extension
    ASKING = "asking"
    DECIDING = "deciding"  # something was entered, and the engine has not said what of it
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CallState:
    """One call, as any node goes on with it. `until` and `answered_at` are in seconds since the epoch.

    With `fraud` the person is told how to report one. `confirm` is a digit to be pressed before `#`, so that a recorded
    `#` confirms nothing. `registers` is whether the call is to prove a number that is being registered. `missed` is
    the result (as reports call it) of what was keyed and could not be taken. `code` is spoken to whoever asks for it by
    `#`, so that no recording of a mailbox has it; `tells` is a message that is all there is to say.
    """

    until: float
    stage: str = PLAIN
    fraud: bool = False
    confirm: str = field(default="", repr=False)
    registers: bool = False
    extension: str = field(default="", repr=False)
    phase: Phase = Phase.RINGING
    asked: int = 0
    keyed: str = field(default="", repr=False)
    missed: str = ""
    answered_at: float = 0.0
    code: str = field(default="", repr=False)
    tells: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """What was keyed before `#`, for the engine; "" is a bare `#`."""

    keys: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over and its question is still open. `answered` is whether anybody, or anything, picked up."""

    result: Result
    answered: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows from one event."""

    state: CallState
    say: Say | None = None
    entered: Entered | None = None
    ended: Ended | None = None


def begin(
    until: float,
    *,
    stage: str = PLAIN,
    fraud: bool = False,
    confirm: str = "",
    registers: bool = False,
    extension: str = "",
    code: str = "",
    tells: str = "",
) -> Turn:
    """A call that is going to be placed and must be over at `until`; one to a wrong extension has ended already."""
    state = CallState(
        until, stage, fraud, confirm if stage == PLAIN else "", registers, extension, code=code, tells=tells
    )
    if extension and not is_extension(extension):
        return Turn(replace(state, phase=Phase.OVER), ended=Ended(Result.INVALID_EXTENSION, answered=False))
    return Turn(state)


def is_extension(text: str) -> bool:
    """Whether this can be keyed after the answer: digits, `,` (a second's pause), `*`, `#`; `@` first: by a human."""
    keys = text.removeprefix(_BY_HAND)
    by_hand = keys != text
    return any(key.isdecimal() for key in keys) and (_DIALLED if not by_hand else _DIALLED - {"*", "#"}).issuperset(
        keys
    )


def confirming_digit(chance: int, fraud_code: str) -> str:
    """A digit to confirm with, by a drawn number: never 0, and none of the fraud code's."""
    possible = [digit for digit in "123456789" if digit not in fraud_code] or ["9"]
    return possible[chance % len(possible)]


def happens(state: CallState, event: CallEvent, now: float) -> Turn:
    """Go on with the call; `now` is in seconds since the epoch."""
    if isinstance(event, Over):
        return _over(state, event.cause)
    if isinstance(event, Played):  # of those providers that do not hang up by themselves
        return Turn(state, Say(hang_up=True) if state.phase is Phase.OVER else None)
    if state.phase in {Phase.OVER, Phase.DECIDING}:
        return Turn(state)
    if now >= state.until:
        return _give_up(_missed_now(state))
    match event:
        case Picked():
            return _picked(state, event, now)
        case Pressed():
            return _pressed(state, event, now)
        case Silence():
            return _silent(state, now)
        case _:
            assert_never(event)


def told(state: CallState, decision: Decision | None, now: float) -> Turn:
    """Say what the engine thinks of the entry; None when it could not be asked."""
    match decision:
        case None:
            return _give_up(state, Result.NOT_DELIVERED)
        case Accept():
            return _last_words(state, Sound.SUCCESS)
        case Reject(Reason.FRAUD_REPORTED):
            return _last_words(state, Sound.FRAUD_REPORTED)
        case Wait(prompt=AnswerCall(stage=stage)):
            return _next_stage(state, stage, now)
        case _:
            return _last_words(state, Sound.DENIED)


def written(state: CallState) -> str:
    """The state as JSON; it holds what was keyed, so it is sealed where it is stored."""
    return json.dumps(asdict(state), separators=(",", ":"))


def read(text: str) -> CallState:
    """The state that `written` wrote."""
    values = json.loads(text)
    return CallState(**{**values, "phase": Phase(values["phase"])})


# -- events ---------------------------------------------------------------------------------------------------------


def _picked(state: CallState, event: Picked, now: float) -> Turn:
    if event.machine:
        answered = replace(state, answered_at=state.answered_at or now, phase=Phase.OVER)
        return Turn(answered, Say(hang_up=True), ended=_ended(answered, Result.NO_INPUT))
    if state.phase is not Phase.RINGING:
        return Turn(state)
    state = replace(state, answered_at=now, until=min(state.until, now + LONGEST_SECONDS))
    if state.extension:
        return _ask(replace(state, phase=Phase.REACHING), now)
    return _ask(replace(state, phase=Phase.ASKING), now)


def _pressed(state: CallState, event: Pressed, now: float) -> Turn:
    if state.phase is Phase.RINGING:
        return Turn(state)
    if (event.after or now - state.answered_at) < DEAF_SECONDS:
        return _ask(state, now)  # the key has stopped the voice
    if state.phase is Phase.REACHING:
        return _reached(state, event.key, now)
    if state.stage == FRAUD:
        return _enter(state, "" if event.key == "#" else event.key)
    if event.key == "#":
        return _hash(state, now)
    if len(state.keyed) >= LONGEST_ENTRY:
        return _give_up(replace(state, missed=Result.INVALID_INPUT))
    keyed = replace(state, keyed=state.keyed + event.key)
    return Turn(keyed, Say(listen=_listen(keyed, NEXT_KEY_SECONDS, now)))


def _reached(state: CallState, key: str, now: float) -> Turn:
    """Only `#` says that somebody is at the extension."""
    if key != "#":
        return Turn(state, Say(listen=_listen(state, NEXT_KEY_SECONDS, now)))
    return _ask(replace(state, phase=Phase.ASKING, asked=0), now)


def _hash(state: CallState, now: float) -> Turn:
    if state.code:
        return _spoken(state)
    if "*" in state.keyed:
        return _ask(_missed_now(state), now)
    if not state.confirm:
        return _enter(state, state.keyed)
    if not state.keyed:
        return _ask(replace(state, missed=state.missed or Result.NO_INPUT), now)
    return _enter(state, "" if state.keyed == state.confirm else state.keyed)


def _enter(state: CallState, keys: str) -> Turn:
    return Turn(replace(state, phase=Phase.DECIDING, keyed="", missed=""), entered=Entered(keys))


def _silent(state: CallState, now: float) -> Turn:
    return Turn(state) if state.phase is Phase.RINGING else _ask(_missed_now(state), now)


def _over(state: CallState, cause: CallCause) -> Turn:
    over = replace(state, phase=Phase.OVER, keyed="")
    if state.phase in {Phase.OVER, Phase.DECIDING}:
        return Turn(over)
    if state.stage == FRAUD:
        return Turn(over, entered=Entered(""))
    return Turn(over, ended=_ended(state, _result_of(state, cause)))


# -- what the engine said --------------------------------------------------------------------------------------------


def _next_stage(state: CallState, stage: str, now: float) -> Turn:
    if state.phase is Phase.OVER:  # they hung up while it was decided
        if stage == FRAUD:
            return Turn(replace(state, stage=stage), entered=Entered(""))
        return Turn(state, ended=_ended(replace(state, stage=stage), Result.HUNG_UP))
    same = _SAME_QUESTION.get(stage, stage) == _SAME_QUESTION.get(state.stage, state.stage)
    first = (Sound.DENIED_RETRY,) if same else ()
    asked, missed = (state.asked, Result.PIN_ENTERED.value) if same else (0, "")
    following = replace(state, phase=Phase.ASKING, stage=stage, asked=asked, missed=missed, keyed="")
    return _ask(following, now, first)


def _last_words(state: CallState, *sounds: Sound) -> Turn:
    over = replace(state, phase=Phase.OVER, keyed="", code="")
    return Turn(over, None if state.phase is Phase.OVER else Say(sounds, hang_up=True))


def _spoken(state: CallState) -> Turn:
    """The code, twice."""
    digits = digit_sounds(state.code)
    return _last_words(state, Sound.CODE_BEFORE_DIGITS, *digits, Sound.CODE_AGAIN, *digits, Sound.CODE_AFTER_DIGITS)


# -- asking -----------------------------------------------------------------------------------------------------------


def _ask(state: CallState, now: float, before: tuple[str, ...] = ()) -> Turn:
    """Put the question once more, unless that was done often enough."""
    if state.asked >= ASKS or now >= state.until:
        return _give_up(state)
    if state.tells and state.phase is Phase.ASKING:
        return _last_words(state, Sound(state.tells))
    asking = replace(state, asked=state.asked + 1, keyed="")
    say = _reaching(state) if state.phase is Phase.REACHING else Say(before + _question(state))
    return Turn(asking, replace(say, listen=_listen(state, FIRST_KEY_SECONDS, now)))


def _reaching(state: CallState) -> Say:
    """How an extension is reached: by a human who is asked, or by keys, and then whoever is there."""
    by_hand = state.extension.startswith(_BY_HAND)
    if by_hand:
        number = digit_sounds(state.extension)
        return Say((Sound.EXTENSION_BEFORE_DIGITS, *number, Sound.EXTENSION_AFTER_DIGITS))
    return Say((Sound.EXTENSION,), dial="" if state.asked else state.extension)


def _question(state: CallState) -> tuple[str, ...]:
    again = state.asked > 0
    match state.stage:
        case "fraud":
            return (Sound.FRAUD_CONFIRMATION,)
        case "new_pin":
            return (Sound.NEW_PIN_RETRY if again else Sound.NEW_PIN,)
        case "new_pin_again":
            return (Sound.NEW_PIN_AGAIN,)
        case "pin" | "pin_retry":
            return (Sound.RETRY_PIN,) if again or state.stage == PIN_RETRY else _greeting_pin(state)
        case _:
            return _confirmation(state) if state.confirm and not state.code else _greeting(state, again=again)


def _greeting(state: CallState, *, again: bool) -> tuple[str, ...]:
    if state.code:
        return (Sound.CODE_OFFER,) if again else (Sound.ACTIVATION, Sound.CODE_OFFER)
    if state.registers:
        return (Sound.ACTIVATION_RETRY,) if again else (Sound.ACTIVATION, Sound.ACTIVATION_GREETING)
    if again:
        return (Sound.RETRY,)
    return (Sound.FRAUD_GREETING if state.fraud else Sound.GREETING,)


def _greeting_pin(state: CallState) -> tuple[str, ...]:
    if state.registers:
        return (Sound.ACTIVATION, Sound.ACTIVATION_GREETING_PIN)
    return (Sound.FRAUD_GREETING_PIN if state.fraud else Sound.GREETING_PIN,)


def _confirmation(state: CallState) -> tuple[str, ...]:
    offer = (Sound.FRAUD_OFFER,) if state.fraud else ()
    return (Sound.CONFIRM_BEFORE_DIGIT, *digit_sounds(state.confirm), Sound.CONFIRM_AFTER_DIGIT, *offer)


def _listen(state: CallState, seconds: float, now: float) -> float:
    return max(0.0, min(seconds, state.until - now))


# -- ends -------------------------------------------------------------------------------------------------------------


def _missed_now(state: CallState) -> CallState:
    """Remember how the person missed the question; silence tells less than what was keyed before."""
    if "*" in state.keyed:
        return replace(state, missed=Result.INVALID_INPUT)
    if state.keyed:
        return replace(state, missed=Result.PIN_INCOMPLETE)
    return state


def _give_up(state: CallState, result: Result | None = None) -> Turn:
    """Hang up on a question that stays open; but a fraud code that was entered counts."""
    over = replace(state, phase=Phase.OVER, keyed="")
    if state.phase is Phase.OVER:
        return Turn(over, ended=_ended(state, result or Result.HUNG_UP))
    if state.stage == FRAUD and result is None and state.phase is Phase.ASKING:
        return Turn(over, Say((Sound.FRAUD_REPORTED,), hang_up=True), entered=Entered(""))
    return Turn(over, Say((Sound.DENIED,), hang_up=True), ended=_ended(state, result or _without_answer(state)))


def _without_answer(state: CallState) -> Result:
    if state.stage in {NEW_PIN, NEW_PIN_AGAIN}:
        return Result.PIN_EXPIRED
    return Result(state.missed) if state.missed else Result.NO_INPUT


def _result_of(state: CallState, cause: CallCause) -> Result:
    if state.answered_at:
        if cause in {CallCause.FAILED, CallCause.CONGESTION}:
            return Result.NOT_DELIVERED
        if cause is CallCause.DONE:  # we, or the limit that the provider was given
            return _without_answer(_missed_now(state))
        return Result.PIN_EXPIRED if state.stage in {NEW_PIN, NEW_PIN_AGAIN} else Result.HUNG_UP
    match cause:
        case CallCause.INVALID_NUMBER:
            return Result.INVALID_NUMBER
        case CallCause.FAILED:
            return Result.NOT_DELIVERED
        case _:
            return Result.UNREACHABLE


def _ended(state: CallState, result: Result) -> Ended:
    return Ended(result, answered=state.answered_at > 0)
