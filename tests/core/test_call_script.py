"""What is said in a call and what a key means: every sequence of spec and channel notes, and what always holds."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.conversation import Conversation, Engine, at_stage
from vestibule.core.call_script import (
    ASKS,
    FIRST_KEY_SECONDS,
    LONGEST_ENTRY,
    LONGEST_SECONDS,
    NEXT_KEY_SECONDS,
    CallState,
    Ended,
    Entered,
    Phase,
    Turn,
    begin,
    confirming_digit,
    happens,
    is_extension,
    read,
    told,
    written,
)
from vestibule.core.call_sounds import LANGUAGES, Sound, digit_sounds, spoken_language, words
from vestibule.core.decisions import Accept, Ask, Decision, Reject
from vestibule.core.delivery import CallCause, CallEvent, Over, Picked, Played, Pressed, Silence
from vestibule.core.prompts import TypeCode
from vestibule.core.reasons import Reason, Result

UNTIL = 2000.0


def standard(*, fraud: bool = True, confirm: str = "", registers: bool = False, **more: str) -> Conversation:
    turn = begin(UNTIL, fraud=fraud, confirm=confirm, registers=registers, **more)
    return Conversation(turn, Engine())


def with_pin(*, expired: bool = False, tries: int = 3) -> Conversation:
    return Conversation(begin(UNTIL, stage="pin", fraud=True), Engine("4711", expired=expired, tries=tries))


@pytest.mark.parametrize(
    ("script", "entered", "prompts"),
    [
        ("!#", [""], ["fraud_greeting", "authentication_successful"]),
        ("!##", [""], ["fraud_greeting", "authentication_successful"]),
        ("!.#", [""], ["fraud_greeting", "retry", "authentication_successful"]),
        ("!0#1", ["0", "1"], ["fraud_greeting", "fraud_confirmation", "fraud_reported"]),
        ("!0#2", ["0", "2"], ["fraud_greeting", "fraud_confirmation", "fraud_reported"]),
        ("!0##", ["0", ""], ["fraud_greeting", "fraud_confirmation", "fraud_reported"]),
        ("!5#", ["5"], ["fraud_greeting", "authentication_denied"]),
        ("!5.#", [""], ["fraud_greeting", "retry", "authentication_successful"]),
        ("!*#.#", [""], ["fraud_greeting", "retry", "retry", "authentication_successful"]),
    ],
)
def test_in_standard_mode_pound_confirms_and_the_fraud_code_reports(
    script: str, entered: list[str], prompts: list[str]
) -> None:
    call = standard()
    call.plays(script)
    assert (call.entered, call.prompts, call.ended) == (entered, prompts, [])
    assert call.hung_up


@pytest.mark.parametrize(
    ("script", "entered", "prompts"),
    [
        ("!4711#", ["4711"], ["fraud_greeting_pin", "authentication_successful"]),
        (
            "!1#4711#",
            ["1", "4711"],
            ["fraud_greeting_pin", "authentication_denied_retry", "retry_pin", "authentication_successful"],
        ),
        (
            "!1#2#3#",
            ["1", "2", "3"],
            ["fraud_greeting_pin", *["authentication_denied_retry", "retry_pin"] * 2, "authentication_denied"],
        ),
        ("!#", [""], ["fraud_greeting_pin", "authentication_denied"]),
        ("!47.4711#", ["4711"], ["fraud_greeting_pin", "retry_pin", "authentication_successful"]),
        ("!4*711#4711#", ["4711"], ["fraud_greeting_pin", "retry_pin", "authentication_successful"]),
        ("!0#1", ["0", "1"], ["fraud_greeting_pin", "fraud_confirmation", "fraud_reported"]),
    ],
)
def test_in_pin_mode_only_what_was_keyed_before_pound_is_entered(
    script: str, entered: list[str], prompts: list[str]
) -> None:
    call = with_pin()
    call.plays(script)
    assert (call.entered, call.prompts, call.ended) == (entered, prompts, [])


def test_an_expired_pin_is_changed_in_the_call() -> None:
    call = with_pin(expired=True)
    call.plays("!4711#12#8264#8264#")
    assert call.entered == ["4711", "12", "8264", "8264"]
    assert call.prompts == [
        "fraud_greeting_pin",
        "new_pin",
        "authentication_denied_retry",
        "new_pin_retry",
        "new_pin_again",
        "authentication_successful",
    ]


@pytest.mark.parametrize("script", ["!4711#x", "!4711#...", "!4711#8264#...", "!4711#8264#x"])
def test_an_expired_pin_that_is_not_changed_is_reported_as_that(script: str) -> None:
    call = with_pin(expired=True)
    call.plays(script)
    assert call.ended == [Ended(Result.PIN_EXPIRED, answered=True)]


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("!...", Result.NO_INPUT),
        ("m", Result.NO_INPUT),
        ("!m", Result.NO_INPUT),
        ("!47...", Result.PIN_INCOMPLETE),
        ("!47.4711...", Result.PIN_INCOMPLETE),
        ("!*#..", Result.INVALID_INPUT),
        ("!4*...", Result.INVALID_INPUT),
        ("!" + "1" * (LONGEST_ENTRY + 1), Result.INVALID_INPUT),
        ("!x", Result.HUNG_UP),
        ("!47x", Result.HUNG_UP),
        ("!1#..", Result.PIN_ENTERED),
        ("!1#x", Result.HUNG_UP),
    ],
)
def test_a_call_without_an_answer_ends_with_the_result_of_the_reports(script: str, result: Result) -> None:
    call = with_pin()
    call.plays(script)
    assert call.ended == [Ended(result, answered=True)]
    assert call.turn.state.phase is Phase.OVER


@pytest.mark.parametrize(
    ("cause", "result"),
    [
        (CallCause.BUSY, Result.UNREACHABLE),
        (CallCause.NO_ANSWER, Result.UNREACHABLE),
        (CallCause.REJECTED, Result.UNREACHABLE),
        (CallCause.UNREACHABLE, Result.UNREACHABLE),
        (CallCause.CONGESTION, Result.UNREACHABLE),
        (CallCause.HUNG_UP, Result.UNREACHABLE),
        (CallCause.INVALID_NUMBER, Result.INVALID_NUMBER),
        (CallCause.FAILED, Result.NOT_DELIVERED),
    ],
)
def test_a_call_that_nobody_answers_says_why(cause: CallCause, result: Result) -> None:
    call = standard()
    call.hears(Over(cause))
    assert call.ended == [Ended(result, answered=False)]
    assert call.said == []


@pytest.mark.parametrize(
    ("cause", "result"), [(CallCause.FAILED, Result.NOT_DELIVERED), (CallCause.DONE, Result.PIN_INCOMPLETE)]
)
def test_a_call_that_breaks_after_the_answer_says_how(cause: CallCause, result: Result) -> None:
    call = with_pin()
    call.plays("!47")
    call.hears(Over(cause))
    assert call.ended == [Ended(result, answered=True)]


@pytest.mark.parametrize("script", ["!0#x", "!0#..."])
def test_who_entered_the_fraud_code_has_reported_it_also_without_a_confirmation(script: str) -> None:
    call = standard()
    call.plays(script)
    assert (call.entered, call.ended) == (["0", ""], [])


def test_who_hangs_up_while_the_fraud_code_is_looked_at_has_reported_it() -> None:
    turn = happens(begin(UNTIL, fraud=True).state, Picked(), 1000)
    for key in "0#":
        turn = happens(turn.state, Pressed(key), 1002)
    gone = happens(turn.state, Over(CallCause.HUNG_UP), 1003)
    assert (gone.entered, gone.ended) == (None, None)
    after = told(gone.state, at_stage("fraud"), 1003)
    assert (after.entered, after.say) == (Entered(""), None)


def test_who_hangs_up_while_a_pin_is_looked_at_is_not_asked_again() -> None:
    turn = happens(begin(UNTIL, stage="pin").state, Picked(), 1000)
    for key in "1#":
        turn = happens(turn.state, Pressed(key), 1002)
    gone = happens(turn.state, Over(CallCause.HUNG_UP), 1003)
    after = told(gone.state, at_stage("pin_retry"), 1003)
    assert (after.say, after.ended) == (None, Ended(Result.HUNG_UP, answered=True))
    assert told(gone.state, Accept("anna"), 1003).say is None


def test_keys_pressed_while_the_engine_decides_are_nobodys() -> None:
    turn = happens(begin(UNTIL, stage="pin").state, Picked(), 1000)
    for key in "1#":
        turn = happens(turn.state, Pressed(key), 1002)
    assert turn.entered
    deciding = turn.state
    for event in (Pressed("2"), Pressed("#"), Silence(), Played(), Picked()):
        assert happens(deciding, event, 1003) == type(turn)(deciding)


def test_keys_of_the_first_moment_confirm_nothing() -> None:
    call = standard()
    call.hears(Picked())
    call.hears(Pressed("#"), 0.3)
    assert call.entered == []
    assert call.prompts == ["fraud_greeting", "retry"]
    call.hears(Pressed("#", after=0.79), 5)
    assert call.entered == []
    call.hears(Pressed("#", after=0.8), 5)
    assert call.entered == [""]


def test_a_first_key_is_awaited_for_eight_seconds_and_the_next_ones_for_five() -> None:
    call = with_pin()
    call.plays("!47")
    assert [say.listen for say in call.said] == [FIRST_KEY_SECONDS, NEXT_KEY_SECONDS, NEXT_KEY_SECONDS]


@pytest.mark.parametrize("event", [Silence(), Pressed("1"), Pressed("#"), Picked()])
def test_nobody_is_kept_longer_than_a_minute(event: CallEvent) -> None:
    call = with_pin()
    call.hears(Picked())
    answered = call.now
    call.hears(Pressed("4"), LONGEST_SECONDS - 2)
    assert call.said[-1].listen == pytest.approx(2.0)
    call.hears(event, answered + LONGEST_SECONDS - call.now)
    assert call.hung_up
    assert call.ended == [Ended(Result.PIN_INCOMPLETE, answered=True)]


def test_nobody_is_kept_longer_than_the_question_is_open() -> None:
    turn = happens(begin(1010.0).state, Picked(), 1005.0)
    assert turn.say
    assert turn.say.listen == 5.0
    assert happens(turn.state, Silence(), 1010.0).ended


@pytest.mark.parametrize(
    ("script", "entered", "result"),
    [
        ("!7#", [""], None),
        ("!#7#", [""], None),
        ("!###", [], Result.NO_INPUT),
        ("!8#", ["8"], None),
        ("!77#", ["77"], None),
    ],
)
def test_with_a_drawn_digit_a_recorded_pound_confirms_nothing(
    script: str, entered: list[str], result: Result | None
) -> None:
    call = standard(confirm="7")
    call.plays(script)
    assert call.entered == entered
    assert [one.result for one in call.ended] == ([result] if result else [])
    assert call.prompts[:4] == ["confirm_before_digit", "digit_7", "confirm_after_digit", "fraud_offer"]


@given(st.integers(0, 2**32), st.text("0123456789", min_size=1, max_size=8))
def test_a_drawn_digit_is_none_of_the_fraud_codes(chance: int, code: str) -> None:
    digit = confirming_digit(chance, code)
    assert digit in "123456789"
    assert digit not in code or set("123456789") <= set(code)


def test_a_number_that_is_being_registered_is_greeted_as_that() -> None:
    call = standard(registers=True)
    call.plays("!.#")
    assert call.prompts == ["activation", "activation_greeting", "activation_retry", "authentication_successful"]
    pin = Conversation(begin(UNTIL, stage="pin", registers=True), Engine("4711"))
    pin.plays("!4711#")
    assert pin.prompts == ["activation", "activation_greeting_pin", "authentication_successful"]


def test_a_code_is_spoken_twice_to_whoever_asks_for_it_and_to_no_recording() -> None:
    call = standard(code="402", confirm="7")
    call.plays("!.5#")
    digits = ["digit_4", "digit_0", "digit_2"]
    spoken = ["code_before_digits", *digits, "code_again", *digits, "code_after_digits"]
    assert call.prompts == ["activation", "code_offer", "code_offer", *spoken]
    assert (call.entered, call.said[-1].hang_up) == ([], True)
    silent = standard(code="402")
    silent.plays("!....")
    assert not any(prompt.startswith("digit_") for prompt in silent.prompts)
    assert "402" not in repr(silent.turn.state)


def test_a_test_call_says_so_and_hangs_up_once_somebody_is_there() -> None:
    call = standard(tells="test_call")
    call.plays("!")
    assert (call.prompts, call.said[-1].hang_up, call.entered) == (["test_call"], True, [])
    far = standard(tells="test_call", extension="12")
    far.plays("!#")
    assert far.prompts == ["extension_prompt", "test_call"]


def test_an_extension_is_dialled_once_and_then_somebody_has_to_say_that_they_are_there() -> None:
    call = standard(extension=",,12*3")
    call.plays("!.5##")
    assert [say.dial for say in call.said] == [",,12*3", "", "", "", ""]
    assert call.prompts == ["extension_prompt", "extension_prompt", "fraud_greeting", "authentication_successful"]
    assert call.entered == [""]


def test_a_human_is_asked_to_put_it_through() -> None:
    call = standard(extension="@56")
    call.plays("!##")
    assert call.prompts[:4] == [
        "extension_prompt_before_digits",
        "digit_5",
        "digit_6",
        "extension_prompt_after_digits",
    ]
    assert (call.said[0].dial, call.entered) == ("", [""])


def test_a_fraud_code_at_the_switchboard_reports_nothing() -> None:
    call = standard(extension="@56")
    call.plays("!0...")
    assert call.entered == []
    assert call.ended == [Ended(Result.NO_INPUT, answered=True)]


@pytest.mark.parametrize("text", ["12", ",,12", "12*3#", "@5678", "@,5"])
def test_extensions_are_digits_pauses_star_and_pound(text: str) -> None:
    assert is_extension(text)


@pytest.mark.parametrize("text", ["x12", "12-3", "@", ",", "@12*", "12@", "１２", "12 3", "w12"])
def test_any_other_extension_ends_the_call_before_it_is_placed(text: str) -> None:
    assert not is_extension(text)
    turn = begin(UNTIL, extension=text)
    assert (turn.ended, turn.state.phase) == (Ended(Result.INVALID_EXTENSION, answered=False), Phase.OVER)


def test_what_could_not_be_decided_ends_the_call_politely() -> None:
    call = Conversation(begin(UNTIL), lambda _state, _keys: None)
    call.plays("!#")
    assert call.prompts == ["greeting", "authentication_denied"]
    assert call.ended == [Ended(Result.NOT_DELIVERED, answered=True)]


def test_a_question_that_has_moved_on_to_another_way_ends_the_call() -> None:
    call = Conversation(begin(UNTIL), lambda _state, _keys: Ask("attempt", "nonce", TypeCode()))
    call.plays("!#")
    assert call.prompts == ["greeting", "authentication_denied"]


# -- what always holds ------------------------------------------------------------------------------------------------

KEYS = "0123456789*#"
EVENTS = st.one_of(
    st.sampled_from(KEYS).map(Pressed),
    st.builds(Pressed, st.sampled_from(KEYS), st.floats(0, 70)),
    st.just(Silence()),
    st.just(Played()),
    st.builds(Picked, st.booleans()),
    st.sampled_from(CallCause).map(Over),
)
STEPS: st.SearchStrategy[list[tuple[CallEvent, float]]] = st.lists(st.tuples(EVENTS, st.floats(0, 9)), max_size=60)
DECISIONS = st.one_of(
    st.sampled_from(["", "pin", "pin_retry", "fraud", "new_pin", "new_pin_again"]).map(at_stage),
    st.sampled_from([Accept("anna"), Reject(Reason.WRONG_PIN), Reject(Reason.FRAUD_REPORTED), None]),
)
BEGINNINGS = st.builds(
    begin,
    st.just(UNTIL),
    stage=st.sampled_from(["", "pin"]),
    fraud=st.booleans(),
    confirm=st.sampled_from(["", "7"]),
    registers=st.booleans(),
    extension=st.sampled_from(["", ",12", "@34"]),
)
QUESTIONS = {
    "extension_prompt",
    "extension_prompt_before_digits",
    "greeting",
    "fraud_greeting",
    "confirm_before_digit",
    "activation",
    "fraud_confirmation",
    "new_pin_again",
}


@given(BEGINNINGS, STEPS, st.data())
def test_no_question_is_asked_more_than_three_times(
    beginning: Turn, steps: list[tuple[CallEvent, float]], data: st.DataObject
) -> None:
    call = run(beginning, steps, data)
    asked: list[tuple[str, int]] = [(say.prompts[0], 1) for say in call.said if say.prompts and say.listen]
    for question in QUESTIONS:
        fresh = sum(count for name, count in asked if name == question)
        assert fresh <= ASKS * (1 + len(call.entered))


@given(BEGINNINGS, st.lists(st.just(Silence()), min_size=8, max_size=8))
def test_silence_alone_hears_three_prompts_and_a_goodbye(beginning: Turn, silences: list[Silence]) -> None:
    call = Conversation(beginning, Engine("4711"))
    call.hears(Picked())
    for silence in silences:
        call.hears(silence)
    assert len([say for say in call.said if say.listen]) == ASKS
    assert len(call.said) == ASKS + 1
    assert call.hung_up


@given(BEGINNINGS, STEPS, st.data())
def test_a_call_always_ends_once_and_says_nothing_afterwards(
    beginning: Turn, steps: list[tuple[CallEvent, float]], data: st.DataObject
) -> None:
    call = run(beginning, steps, data)
    call.hears(Silence(), UNTIL)
    call.hears(Over(CallCause.HUNG_UP))
    assert call.turn.state.phase is Phase.OVER
    assert len(call.ended) <= 1
    ends = [number for number, say in enumerate(call.said) if say.hang_up]
    assert not any(say.prompts or say.listen for say in call.said[ends[0] + 1 :]) if ends else True


@given(BEGINNINGS, STEPS, st.data())
def test_whoever_listens_listens_within_the_call(
    beginning: Turn, steps: list[tuple[CallEvent, float]], data: st.DataObject
) -> None:
    call = run(beginning, steps, data)
    assert all(0 <= say.listen <= FIRST_KEY_SECONDS for say in call.said)


@given(BEGINNINGS, STEPS, st.data())
def test_the_state_survives_its_json_form(
    beginning: Turn, steps: list[tuple[CallEvent, float]], data: st.DataObject
) -> None:
    state = run(beginning, steps, data).turn.state
    assert read(written(state)) == state


@given(st.text("123456789", min_size=6, max_size=12))
def test_what_was_keyed_is_in_no_text_that_a_log_could_take(keys: str) -> None:
    call = Conversation(begin(UNTIL, stage="pin", extension=",12"), Engine("4711"))
    call.plays(f"!#{keys}")
    printed = [repr(call.turn), str(call.turn.state), repr(Pressed(keys))]
    call.plays("#")
    printed += [repr(call.turn), repr(call.turn.state)]
    state = begin(UNTIL, stage="pin").state
    for key in keys:
        turn = happens(happens(state, Picked(), 1000).state, Pressed(key), 1002)
        printed.append(repr(turn))
    entered = happens(CallState(UNTIL, phase=Phase.ASKING, keyed=keys, answered_at=1.0), Pressed("#"), 1002)
    printed += [repr(entered), repr(entered.entered)]
    assert not any(keys in one for one in printed)
    assert {one.name for one in fields(CallState) if not one.repr} == {"code", "confirm", "extension", "keyed"}


def run(beginning: Turn, steps: list[tuple[CallEvent, float]], data: st.DataObject) -> Conversation:
    """Any events in any order, with an engine that says anything; a fraud report ends it, as the engine's does."""

    def judge(state: CallState, _keys: str) -> Decision | None:
        if state.stage == "fraud":
            return Reject(Reason.FRAUD_REPORTED)
        decision: Decision | None = data.draw(DECISIONS)
        return decision

    call = Conversation(beginning, judge)
    for event, seconds in steps:
        call.hears(event, seconds)
    return call


# -- the words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_its_words_in_every_language(language: str) -> None:
    said = [words(sound, language) for sound in Sound]
    assert all(text.strip() == text and text for text in said)
    assert len({text for sound, text in zip(Sound, said, strict=True) if sound.startswith("digit_")}) == 10


def test_no_message_takes_longer_than_twenty_seconds_to_say() -> None:
    assert all(len(words(sound, "en").split()) <= 60 for sound in Sound)


@pytest.mark.parametrize(
    ("locale", "language"), [("nl-BE", "nl"), ("th", "th"), ("pt-BR", "en"), ("en_GB", "en"), ("", "en")]
)
def test_a_locale_falls_back_to_its_language_and_then_to_english(locale: str, language: str) -> None:
    assert spoken_language(locale) == language
    assert words(Sound.RETRY, locale) == words(Sound.RETRY, language)


def test_digits_are_said_one_by_one() -> None:
    assert digit_sounds("@1,0*9") == (Sound.DIGIT_1, Sound.DIGIT_0, Sound.DIGIT_9)
