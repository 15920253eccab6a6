"""What holds whatever happens, in any order, at any time: tried on thousands of made-up histories and cases."""

import hashlib
import math
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.world import NOON, Tap, Token, World, mac
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.decisions import Accept, Ask, CheckPassword, Wait
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.events import Answered, Began, Event, Expired, NotDelivered, PasswordChecked, PasswordUnchecked
from vestibule.core.failures import FailureKey, FailureKind, Failures
from vestibule.core.oath import hotp
from vestibule.core.policy import Outcome, Rule
from vestibule.core.prompts import Approve, TypeCode
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Block, Mfa, User
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import Recovery
from vestibule.methods.totp import Totp

SHARED = b"a secret of many tokens"

# -- histories --------------------------------------------------------------------------------------------------


def world_of_one_secret() -> tuple[World, list[tuple[str, Token]]]:
    """Two people with six credentials of one secret, and every kind of client."""
    world = World()
    for sign_in in SignIn:
        world.client(sign_in, sign_in)
    alice, bob = world.person("alice", "secret"), world.person("bob", "secret")
    return world, [
        ("alice", alice.totp(SHARED)),
        ("alice", alice.totp(SHARED, digits=8)),
        ("bob", bob.totp(SHARED)),
        ("alice", alice.hotp(SHARED)),
        ("bob", bob.hotp(SHARED, digits=8)),
        ("bob", bob.totp(SHARED, digits=7)),
    ]


def read(token: Token, away: int) -> str:
    """Read what the token shows `away` steps or presses from where it should be."""
    if token.credential.method == "totp":
        return token.code(away)
    return token.press(max(token.seed.counter + away, 0))


TRIES = st.tuples(
    st.integers(0, 5),  # whose credential is read
    st.sampled_from(["alice", "bob"]),  # who sends what was read
    st.sampled_from(SignIn),
    st.integers(-3, 3),
    st.one_of(st.just(0.0), st.floats(-200, 200), st.floats(-1e6, 1e7)),  # seconds since the try before
)


@pytest.mark.requirement(4)
@settings(max_examples=150, deadline=None)
@given(st.lists(TRIES, max_size=25))
def test_no_code_is_ever_accepted_twice_and_memory_only_rises(tries: list[tuple[int, str, SignIn, int, float]]) -> None:
    world, tokens = world_of_one_secret()
    accepted: set[tuple[int, int]] = set()
    for number, (index, name, sign_in, away, seconds) in enumerate(tries):
        _, token = tokens[index]
        world.at = max(world.at + seconds, NOON / 2)
        code, before = read(token, away), token.seed
        typed = {SignIn.CODE_AND_PASSWORD: code + "secret", SignIn.PASSWORD_AND_CODE: "secret" + code}.get(
            sign_in, "secret" if sign_in is SignIn.PASSWORD_THEN_CODE else ""
        )
        decision = world.sign_in(name, typed, code, f"192.0.2.{number}", client=sign_in)
        after = token.seed
        assert after.last_step >= before.last_step
        assert after.counter >= before.counter
        assert isinstance(decision, Accept) == (after != before)
        if isinstance(decision, Accept):
            spent = (after.last_step if after.last_step != before.last_step else -1, after.counter)
            assert (after.last_step > before.last_step) != (after.counter > before.counter)
            assert spent not in accepted
            accepted.add(spent)


@pytest.mark.requirement(4)
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=8), st.data())
def test_sign_ins_that_are_under_way_at_once_never_share_a_code(
    under_way: list[tuple[int, int]], data: st.DataObject
) -> None:
    """One-field sign-ins find their code before the password is hashed: whatever the order, one of them spends it."""
    world, tokens = world_of_one_secret()
    began = []
    for number, (index, away) in enumerate(under_way):
        name, token = tokens[index]
        code = read(token, away % 2)
        event = world.began(name, "secret" + code, f"192.0.2.{number}", client=SignIn.PASSWORD_AND_CODE)
        if isinstance(world.happens(event).order, CheckPassword):
            began.append((event, code))
    spent: list[tuple[int, int]] = []
    for event, _ in data.draw(st.permutations(began)):
        before = tokens[0][1].seed
        step = world.happens(PasswordChecked(event, right=True))
        after = tokens[0][1].seed
        assert isinstance(step.decision, Accept) == (before != after)
        assert (after.last_step, after.counter) >= (before.last_step, before.counter)
        spent.append((after.last_step, after.counter))
    assert spent == sorted(spent)


@pytest.mark.requirement(18)
@pytest.mark.requirement(20)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 8000), st.sampled_from(SignIn)), max_size=250))
def test_no_history_of_guesses_passes_the_hard_stop(guesses: list[tuple[int, float, SignIn]]) -> None:
    world = World()
    for sign_in in SignIn:
        world.client(sign_in, sign_in)
    token = world.person("alice", "secret").totp()
    wrong = token.wrong()
    for number, seconds, sign_in in guesses:
        typed = "secret" if sign_in is SignIn.PASSWORD_THEN_CODE else "guess"
        code = wrong if sign_in is not SignIn.CODE_ONLY else ""
        world.later(seconds).sign_in("alice", typed + code, wrong, f"192.0.2.{number}", client=sign_in)
        assert world.failures_of("alice", token.id) <= 80
        assert world.failures_of("alice", "password") <= 80


# -- cases ------------------------------------------------------------------------------------------------------

CASES = 40  # made up from each random seed that Hypothesis draws
KEY = b"a key of twenty octets"
STEP = int(NOON) // 30
CODES = [hotp(KEY, counter).encode() for counter in (0, 1, 4, STEP - 1, STEP, STEP + 1)]
T = TypeVar("T")


@dataclass
class Chance:
    """Draws values, mostly the usual ones, so that a good part of what it makes up comes near to an accept."""

    random: Random

    def any(self, *values: T) -> T:
        return self.random.choice(values)

    def mostly(self, usual: T, *others: T) -> T:
        return usual if self.random.random() < 0.9 else self.any(*others)

    def some(self, *values: T) -> tuple[T, ...]:
        return tuple(value for value in values if self.random.random() < 0.15)

    def time(self) -> float:
        return self.mostly(NOON, NOON + 1, NOON + 31, NOON - 29, NOON + 200, NOON + 9e4, 0.0, 2 * NOON)

    def name(self) -> str:
        return self.mostly("alice", "", "nobody", "\ud800")

    def source(self) -> str:
        return self.mostly("192.0.2.1", "", "2001:db8::1", "::ffff:192.0.2.1", "nas-1")

    def client_id(self) -> str:
        return self.mostly("vpn", "mail", "")

    def nonce(self) -> str:
        return self.mostly("nonce", "", "other")

    def method(self) -> str:
        return self.any("totp", "totp", "totp", "hotp", "hotp", "tap", "tap", "tap", "recovery", "gone")

    def typed(self) -> Secret:
        strange = (
            b"",
            b"\xff\xfe",
            b"A" * 24,
            "１２３４５６".encode(),
            self.random.randbytes(self.random.randrange(99)),
        )
        form = self.any(b"%s", b"%s", b"secret%s", b"%ssecret")
        usual = form % self.any(*CODES)
        return Secret(self.any(usual, usual, self.any(b"secret", b"yes", b"no", b"41", *strange)))

    def user(self) -> User:
        block = self.mostly(None, Block(0.0, self.time(), "", ""))
        return User(
            "id", self.name(), self.name(), groups=self.some("staff"), mfa=self.mostly(Mfa.ENFORCED, *Mfa), block=block
        )

    def credential(self, number: int) -> Credential:
        return Credential(
            f"c{number}",
            self.method(),
            "id",
            state=self.mostly(CredentialState.ACTIVE, *CredentialState),
            seed_id=self.mostly("seed", "", "none"),
            digits=self.mostly(6, 8),
            period=self.mostly(30, 60),
            memory=self.any("", "{}"),
            waiver_until=self.mostly(0.0, NOON, 2 * NOON),
        )

    def seed(self) -> Seed:
        return Seed(
            "seed",
            Secret(KEY),
            last_step=self.mostly(-1, STEP - 1, STEP, STEP + 1, int(NOON)),
            counter=self.mostly(0, 1, 5, 2**40),
            drift=self.mostly(0, 1, -1, 200, -(2**40)),
            resync=self.mostly(False, True),
            used_at=self.time(),
        )

    def challenge(self) -> Challenge:
        waits = self.any(True, False)
        prompt = Approve("42") if waits else TypeCode()
        method = self.mostly("tap", "gone") if waits else ""
        credential_id = self.any("c0", "c1", "c9")
        left = self.any(0, 1, 2)
        return Challenge(self.nonce(), prompt, NOON, method, credential_id, "memory of the tap", waits, left)

    def attempt(self) -> Attempt:
        return Attempt(
            "attempt",
            self.client_id(),
            self.mostly("id", ""),
            "alice",
            self.name(),
            self.source(),
            self.source(),
            NOON,
            expires_at=self.mostly(NOON + 300, NOON),
            challenge=self.mostly(self.challenge(), None),
            settled=self.mostly(None, Settled(NOON), Settled(NOON, Reason.DECLINED)),
            methods=self.some("totp", "tap"),
        )

    def rule(self) -> Rule:
        outcome, networks = self.any(*Outcome), self.mostly((), ("192.0.2.0/24",), ("::/0", "10.0.0.0/8"))
        return Rule("r", 0, "rule", outcome, self.some("vpn"), self.some("staff"), networks, self.some("totp", "tap"))

    def rows(self) -> dict[FailureKey, Failures]:
        factors = [
            Failures("id", FailureKind.FACTOR, name, self.mostly(1, 5, 20, 80, 100, 10**9), self.time())
            for name in self.some("password", "c0", "c1")
        ]
        shares = tuple((name, self.any(1, 2, 99)) for name in self.some("password", "c0", "c9"))
        accepted_at, proof = self.any(0.0, self.time()), self.any("", "proof")
        count = self.mostly(1, 0, 5, 10**9)
        source = Failures("id", FailureKind.SOURCE, self.source(), count, self.time(), shares, accepted_at, proof)
        return {(row.kind, row.name): row for row in (*factors, source)}

    def client(self, name: str) -> Client:
        return Client(
            name,
            name,
            (),
            (),
            sign_in=self.any(*SignIn),
            holds=self.any(True, False),
            time_budget=self.any(0.0, 30.0),
            rejoin_seconds=self.any(0, 10),
        )

    def case(self) -> Case:
        clients = {name: self.client(name) for name in self.mostly(("vpn", "mail"), ("vpn",), ())}
        rules = tuple(self.rule() for _ in range(self.any(0, 0, 0, 1, 2)))
        snapshot = Snapshot(1, Settings(challenge_tries=self.any(1, 3)), clients, rules)
        attempt = self.mostly(self.attempt(), None)
        if self.mostly(False, True):
            return Case(snapshot, attempt=attempt)
        credentials = tuple(self.credential(number) for number in range(self.any(0, 1, 2, 3)))
        seeds = self.mostly({"seed": self.seed()}, {})
        return Case(snapshot, self.user(), credentials, seeds, self.rows(), attempt)

    def began(self) -> Began:
        proof = self.any("", "proof")
        return Began(self.client_id(), self.name(), self.name(), self.typed(), self.source(), self.source(), proof)

    def answered(self) -> Answered:
        from_client = self.any(True, False)
        client_id, user_key = (self.client_id(), self.name()) if from_client else ("", "")
        return Answered("attempt", self.nonce(), self.typed(), client_id, user_key)

    def asking(self) -> Began | Answered | PasswordChecked:
        """Draw an event that somebody outside can bring about."""
        match self.any(*range(3)):
            case 0:
                return self.began()
            case 1:
                return PasswordChecked(self.began(), right=True)
            case _:
                return self.answered()

    def event(self) -> Event:
        match self.any(*range(8)):
            case 0 | 1:
                return self.began()
            case 2 | 3:
                return PasswordChecked(self.began(), right=self.mostly(True, False))
            case 4:
                return PasswordUnchecked(self.began())
            case 5:
                return NotDelivered("attempt", self.nonce())
            case 6:
                return Expired("attempt", self.nonce())
            case _:
                return self.answered()


ENGINE = Engine([Totp(), Hotp(), Recovery(mac)], [Tap()])


def step_of(case: Case, event: Event, at: float) -> Step | None:
    """Take the step, or None where the asking client is gone."""
    try:
        return ENGINE.step(case, event, Moment(at, hashlib.sha256(str(at).encode()).digest()))
    except Unavailable:
        return None


@pytest.mark.requirement(54)
@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_no_event_on_any_case_is_an_error_and_every_step_is_whole(random: Random) -> None:
    chance = Chance(random)
    for _ in range(CASES):
        event = chance.event()
        step = step_of(chance.case(), event, chance.time())
        if step is not None:
            check_whole(event, step)


def check_whole(event: Event, step: Step) -> None:
    if isinstance(event, PasswordUnchecked):
        assert (step.decision, step.order, step.entry) == (None, None, None)
    elif isinstance(step.order, CheckPassword):
        assert step.decision is None
        assert step.order.password, "an empty password reaches no directory"
    else:
        assert step.decision is not None
    if isinstance(step.decision, Ask | Wait):
        attempt = step.case.attempt
        assert attempt is not None
        assert attempt.challenge is not None
        assert step.decision.nonce == attempt.challenge.nonce
    for row in step.case.failures.values():
        assert row.count >= 0
        assert math.isfinite(row.last_at)


@pytest.mark.requirement(54)
@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_nobody_is_let_in_without_something_that_is_spent_approved_or_waived(random: Random) -> None:
    chance = Chance(random)
    for _ in range(CASES):
        case, at = chance.case(), chance.time()
        event = chance.asking()
        step = step_of(case, event, at)
        if step is not None and isinstance(step.decision, Accept):
            check_earned(case, event, step, at)


def check_earned(case: Case, event: Began | Answered | PasswordChecked, step: Step, at: float) -> None:
    """Where no rule waives it and nothing is repeated, an accept has used up a code, or a question that waited."""
    assert case.user is not None
    assert not case.user.blocked(at)
    assert step.entry is not None
    assert step.entry.accepted
    assert not any(
        rule.outcome is Outcome.DENY and not (rule.clients or rule.groups or rule.networks)
        for rule in case.snapshot.rules[:1]
    )
    if isinstance(event, Answered):
        check_earned_by_an_answer(case, event, step, at)
    elif step.entry.result is not Result.USED_CACHE and not waived(case, event):
        assert (step.case.seeds, step.case.credentials) != (case.seeds, case.credentials)


def check_earned_by_an_answer(case: Case, event: Answered, step: Step, at: float) -> None:
    attempt, after = case.attempt, step.case.attempt
    assert attempt is not None
    assert attempt.challenge is not None
    assert attempt.settled is None
    assert at < attempt.expires_at
    if attempt.challenge.waits:
        assert not event.client_id
        assert after is not None
        assert after.settled is not None
        assert (attempt.challenge.method, step.entry and step.entry.method) == ("tap", "tap")
    else:
        assert (event.client_id, event.user_key) == (attempt.client_id, attempt.user_key)
        assert after is None
        assert (step.case.seeds, step.case.credentials) != (case.seeds, case.credentials)


def waived(case: Case, event: Began | PasswordChecked) -> bool:
    """Whether no second factor is asked: the password was right, or the rule was written for this very client."""
    assert case.user is not None
    rules = [rule for rule in case.snapshot.rules if rule.outcome is Outcome.ALLOW]
    if isinstance(event, PasswordChecked):
        return bool(rules) or case.user.mfa is Mfa.OFF
    return any(event.client_id in rule.clients for rule in rules)


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=True))
def test_a_step_is_a_function_of_what_it_is_given(random: Random) -> None:
    chance = Chance(random)
    case, event, at = chance.case(), chance.event(), chance.time()
    assert step_of(case, event, at) == step_of(replace(case), replace(event), at)
