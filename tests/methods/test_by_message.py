"""Texts, replies, calls and mail, asked and answered in the real engine: which answers let in, and how often."""

import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.world import World, reason
from vestibule.core.credentials import Credential
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.events import Chose, NotDelivered
from vestibule.core.phones import CALL_USE, MAIL, PHONE, REPLY_USE, TEXT_USE, Phone, PhoneKind
from vestibule.core.pins import PIN, PinRules, pin_fault, with_pin
from vestibule.core.policy import Outcome
from vestibule.core.prompts import AnswerCall, ReplyToText, TypeCode
from vestibule.core.reasons import Reason, Result
from vestibule.core.sending import Sending
from vestibule.core.sent_codes import code_of
from vestibule.methods.call import Call
from vestibule.methods.mail import Mail
from vestibule.methods.reply import Reply
from vestibule.methods.text import Text
from vestibule.methods.totp import Totp

NUMBER = "+14255550100"
DAY = 86400.0


def mac(octets: bytes) -> bytes:
    return hmac.digest(b"the key for codes that are sent", octets, "sha256")


def a_world(**sending: object) -> World:
    world = World(engine=Engine([Totp()], [], [Text(mac), Call(mac), Reply(mac), Mail(mac)]))
    world.settings = replace(world.settings, sending=Sending(**sending))  # type: ignore[arg-type]
    world.client("vpn", time_budget=60.0)
    world.person("alice", "secret")
    return world


def phone(world: World, *uses: str, id: str = "phone", number: str = NUMBER, **more: object) -> None:
    memory = Phone(uses=uses or (TEXT_USE,), **more).text()  # type: ignore[arg-type]
    world.credentials[id] = Credential(id, PHONE, "id-alice", memory=memory, reach=number)


def pin(world: World, text: str, *, must_change: bool = False) -> None:
    bare = Credential("pin", PIN, "id-alice")
    world.credentials["pin"] = with_pin(mac, bare, text, world.at, 4, must_change=must_change)


def code(world: World, asked: Decision) -> str:
    """What stands in the message that the question sent."""
    assert isinstance(asked, Ask | Wait)
    challenge = world.attempts[asked.attempt_id].challenge
    assert challenge
    return code_of(mac, challenge.credential_id, challenge.memory)


def again(world: World, asked: Decision, way: str = "text/phone") -> Decision:
    assert isinstance(asked, Ask | Wait)
    step = world.happens(Chose(asked.attempt_id, asked.nonce, way, "vpn", "alice"))
    assert step.decision
    return step.decision


def another_code(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06}"


# -- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(8)
def test_a_code_lets_in_once_for_the_question_that_it_was_sent_for() -> None:
    world = a_world()
    phone(world)
    first, second = world.begin("alice", "secret"), world.begin("alice", "secret")
    assert isinstance(first, Ask)
    assert first.prompt == TypeCode("…00")
    right = code(world, first)
    assert right.isdecimal()
    assert len(right) == 6
    assert code(world, first) != code(world, second)
    assert not isinstance(world.answer(second, right), Accept)
    assert world.answer(first, right) == Accept("alice")
    assert reason(world.answer(first, right)) is Reason.UNKNOWN_ATTEMPT
    assert (world.last.reason, world.journal[-2].method) == (Reason.UNKNOWN_ATTEMPT, "text")


@given(st.lists(st.sampled_from(["again", "wrong", "right", "later"]), max_size=12))
def test_no_code_is_accepted_twice_and_the_newest_always_counts(acts: list[str]) -> None:
    world = a_world(text_tries=5)
    phone(world)
    asked: Decision = world.begin("alice", "secret")
    used: set[tuple[str, str]] = set()
    for act in acts:
        if not isinstance(asked, Ask):
            break
        match act:
            case "again":
                asked = again(world, asked)
            case "later":
                world.later(45)
            case "wrong":
                asked = world.answer(asked, another_code(code(world, asked)))
            case _:
                if world.at >= asked.expires_at:
                    break
                key = (asked.attempt_id, code(world, asked))
                assert world.answer(asked, key[1]) == Accept("alice")
                assert key not in used
                used.add(key)
                assert isinstance(world.answer(asked, key[1]), Reject)
                break


@pytest.mark.requirement(8)
def test_a_code_that_is_sent_again_is_the_same_and_is_dead_after_ten_minutes() -> None:
    world = a_world(text_seconds=600.0)
    phone(world)
    asked = world.begin("alice", "secret")
    first = code(world, asked)
    asked = again(world.later(500), asked)
    assert isinstance(asked, Ask)
    assert code(world, asked) == first
    assert asked.expires_at == world.at + 100
    assert reason(world.later(101).answer(asked, first)) is Reason.UNKNOWN_ATTEMPT


def test_a_code_that_is_over_is_followed_by_another_one() -> None:
    world = a_world(text_seconds=60.0)
    phone(world)
    asked = world.begin("alice", "secret")
    first = code(world, asked)
    world.later(59)
    kept = again(world, asked)
    assert code(world, kept) == first
    fresh = again(world.later(2), kept)
    assert code(world, fresh) != first


@pytest.mark.requirement(54)
def test_sending_again_gives_no_tries_back() -> None:
    world = a_world()
    phone(world)
    asked = world.begin("alice", "secret")
    results = []
    for _ in range(3):
        asked = world.answer(asked, another_code(code(world, asked)))
        results.append(world.last.result)
        if isinstance(asked, Ask):
            asked = again(world, asked)
    assert reason(asked) is Reason.WRONG_CODE
    assert results == [Result.TEXT_INCORRECT, Result.TEXT_INCORRECT, Result.TEXT_TRIES_SPENT]
    assert world.failures_of("alice", "phone") == 3


@pytest.mark.parametrize(
    ("typed", "let_in"),
    [("{code}7302", True), ("{code} 7302", True), ("{code}", False), ("{code}7303", False), ("{wrong}7302", False)],
)
def test_a_pin_stands_behind_the_code_where_it_is_asked(typed: str, *, let_in: bool) -> None:
    world = a_world(text_pin=1)
    phone(world)
    pin(world, "7302")
    asked = world.begin("alice", "secret")
    right = code(world, asked)
    said = world.answer(asked, typed.format(code=right, wrong=another_code(right)))
    assert isinstance(said, Accept) == let_in
    if not let_in:
        assert world.last.result is Result.TEXT_PIN_INCORRECT


def test_a_number_says_for_itself_whether_a_pin_is_asked() -> None:
    world = a_world(text_pin=1)
    phone(world, pin=False)
    pin(world, "7302")
    asked = world.begin("alice", "secret")
    assert world.answer(asked, code(world, asked)) == Accept("alice")


def test_a_pin_that_must_be_changed_lets_nobody_in_by_text() -> None:
    world = a_world(text_pin=1)
    phone(world)
    pin(world, "7302", must_change=True)
    asked = world.begin("alice", "secret")
    assert reason(world.answer(asked, f"{code(world, asked)}7302")) is not None
    assert world.last.result is Result.PIN_EXPIRED


def test_digits_of_any_script_will_do() -> None:
    world = a_world()
    phone(world)
    asked = world.begin("alice", "secret")
    arabic = "".join(chr(0x0660 + int(digit)) for digit in code(world, asked))
    assert world.answer(asked, f"{arabic[:3]} {arabic[3:]}") == Accept("alice")


def test_silence_is_told_as_sent() -> None:
    world = a_world()
    phone(world)
    world.expire(world.begin("alice", "secret"))
    assert (world.last.reason, world.last.result, world.last.method) == (Reason.NO_ANSWER, Result.TEXT_SENT, "text")


def test_a_number_is_proven_by_its_first_code() -> None:
    world = a_world()
    phone(world)
    for _ in range(2):
        asked = world.begin("alice", "secret")
        world.answer(asked, code(world, asked))
    assert f'"proven_at": {world.at}' in world.credentials["phone"].memory
    assert world.credentials["phone"].version == 2


# -- mail, replies --------------------------------------------------------------------------------------------------


@pytest.mark.requirement(13)
def test_mail_is_asked_only_where_a_rule_names_it() -> None:
    world = a_world()
    world.credentials["mail"] = Credential("mail", MAIL, "id-alice", reach="alice@example.org")
    assert reason(world.begin("alice", "secret")) is Reason.NO_USABLE_PROMPT
    world.rule(Outcome.REQUIRE, methods=("mail",))
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    assert asked.prompt == TypeCode("a…@example.org")
    assert world.answer(asked, code(world, asked)) == Accept("alice")


def test_a_reply_lets_in_who_waits_and_only_where_the_number_was_told_to() -> None:
    world = a_world()
    phone(world, TEXT_USE)
    world.rule(Outcome.REQUIRE, methods=("reply",))
    assert reason(world.begin("alice", "secret")) is Reason.NO_USABLE_PROMPT
    phone(world, TEXT_USE, REPLY_USE)
    waiting = world.begin("alice", "secret")
    assert isinstance(waiting, Wait)
    assert waiting.prompt == ReplyToText("…00")
    assert not isinstance(world.answer_elsewhere(waiting, another_code(code(world, waiting))), Accept)
    assert world.answer_elsewhere(waiting, code(world, waiting)) == Accept("alice")


# -- calls ----------------------------------------------------------------------------------------------------------


def ringing(*, with_pin: str = "", must_change: bool = False, **sending: object) -> tuple[World, Wait]:
    world = a_world(**sending)
    phone(world, CALL_USE)
    if with_pin:
        pin(world, with_pin, must_change=must_change)
    waiting = world.begin("alice", "secret")
    assert isinstance(waiting, Wait)
    return world, waiting


@pytest.mark.parametrize(
    ("keyed", "said", "result"),
    [
        ([""], None, Result.CONFIRMED),
        (["12", ""], None, Result.CONFIRMED),
        (["1", "2", "3"], Reason.WRONG_PIN, Result.PIN_ENTERED),
        (["0", "1"], Reason.FRAUD_REPORTED, Result.FRAUD_CODE),
        (["0", ""], Reason.FRAUD_REPORTED, Result.FRAUD_CODE),
        (["0", "2"], Reason.FRAUD_REPORTED, Result.FRAUD_CODE),
    ],
)
def test_what_is_keyed_without_a_pin(keyed: list[str], said: Reason | None, result: Result) -> None:
    world, waiting = ringing()
    decision: Decision = waiting
    for keys in keyed:
        decision = world.answer_elsewhere(waiting, keys)
    assert isinstance(decision, Accept) == (said is None)
    assert (reason(decision), world.last.result, world.last.method) == (said, result, "call")
    assert bool(world.users["alice"].block) == (keyed[-1] == "1" and len(keyed) == 2)


@pytest.mark.parametrize(
    ("keyed", "said", "result"),
    [
        (["7302"], None, Result.PIN_ENTERED),
        (["7303", "7302"], None, Result.PIN_ENTERED),
        (["7303", "1111", "7304"], Reason.WRONG_PIN, Result.PIN_ENTERED),
        ([""] * 3, Reason.WRONG_PIN, Result.CONFIRMED),
        (["0", "1"], Reason.FRAUD_REPORTED, Result.FRAUD_CODE),
    ],
)
def test_what_is_keyed_where_a_pin_is_asked(keyed: list[str], said: Reason | None, result: Result) -> None:
    world, waiting = ringing(with_pin="7302", call_pin=1)
    assert waiting.prompt == AnswerCall("…00", "pin")
    decision: Decision = waiting
    for keys in keyed:
        decision = world.answer_elsewhere(waiting, keys)
    assert isinstance(decision, Accept) == (said is None)
    assert (reason(decision), world.last.result) == (said, result)


def test_a_pin_that_must_be_changed_is_changed_in_the_call() -> None:
    world, waiting = ringing(with_pin="7302", must_change=True, call_pin=1)
    for keys, stage in (("7302", "new_pin"), ("1234", "new_pin"), ("8406", "new_pin_again"), ("9517", "new_pin")):
        decision = world.answer_elsewhere(waiting, keys)
        assert isinstance(decision, Wait)
        assert isinstance(decision.prompt, AnswerCall)
        assert decision.prompt.stage == stage, keys
    assert isinstance(world.answer_elsewhere(waiting, "8406"), Wait)
    assert world.answer_elsewhere(waiting, "8406") == Accept("alice")
    fresh = world.begin("alice", "secret")
    assert isinstance(world.answer_elsewhere(fresh, "7302"), Wait), "the old one is right no more"
    assert world.answer_elsewhere(fresh, "8406") == Accept("alice")


def test_a_pin_that_is_not_changed_lets_nobody_in() -> None:
    world, waiting = ringing(with_pin="7302", must_change=True, call_pin=1)
    world.answer_elsewhere(waiting, "7302")
    decisions = [world.answer_elsewhere(waiting, keys) for keys in ("7302", "1111", "1234")]
    assert isinstance(decisions[-1], Reject)
    assert world.last.result is Result.PIN_EXPIRED


def test_the_backup_number_is_called_when_nobody_answers_the_first() -> None:
    world = a_world()
    phone(world, CALL_USE, id="a", number="+14255550177", kind=PhoneKind.BACKUP)
    phone(world, CALL_USE, id="b")
    waiting = world.begin("alice", "secret")
    assert isinstance(waiting, Wait)
    assert waiting.prompt == AnswerCall("…00")
    step = world.happens(NotDelivered(waiting.attempt_id, waiting.nonce, Result.UNREACHABLE))
    assert isinstance(step.decision, Wait)
    assert step.decision.prompt == AnswerCall("…77")
    assert world.last.result is Result.UNREACHABLE
    assert world.answer_elsewhere(step.decision, "") == Accept("alice")


# -- PINs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("730", "digits"),
        ("73O2", "digits"),
        ("٧٣٠٢", "digits"),
        ("7" * 17, "digits"),
        ("7770", "three times"),
        ("7012", "count"),
        ("3210", "count"),
        ("5501", "telephone"),
        ("55010", "telephone"),
        ("9090", "fraud"),
        ("7302", "before"),
        ("8406", "before"),
    ],
)
def test_a_weak_pin_is_refused_in_words(wrong: str, why: str) -> None:
    held = Credential("pin", PIN, "id-alice")
    for number, old in enumerate(("8406", "7302")):
        held = with_pin(mac, held, old, float(number), 4)
    rules = PinRules(4, "9090", (NUMBER,), 4)
    assert why in pin_fault(mac, held, wrong, rules)
    assert not pin_fault(mac, held, "8405", rules)
    assert "8406" not in held.memory
