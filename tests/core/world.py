"""A small world to sign in to: people, tokens, clients and a clock, kept in memory and decided by the real engine.

    world = World()
    token = world.person("alice", password="secret").totp()
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")

It loads a case as a store does (all factor rows, one source row) and saves what a step changed; nothing is faked.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Ask, CheckPassword, Decision, Deliver, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.events import Answered, Began, Chose, Event, Expired, NotDelivered, PasswordChecked, Presented
from vestibule.core.failures import FailureKey, FailureKind, Failures, Limits
from vestibule.core.journal import Entry
from vestibule.core.messages import Message
from vestibule.core.oath import hotp, time_step
from vestibule.core.policy import Outcome, Rule
from vestibule.core.ports import Asked, Failed, Opening, Passed, Verification
from vestibule.core.prompts import Approve
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Block, Mfa, User
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.methods.totp import Totp

NOON = 1_800_000_000.0  # a time that begins a 30 second and a 60 second step
FOR_GOOD = 1e12
HOME, CAFE = "192.0.2.1", "203.0.113.9"


def mac(octets: bytes) -> bytes:
    return hmac.digest(b"the key for recovery codes", octets, "sha256")


@dataclass(frozen=True)
class Tap:
    """An awaited method: "yes" passes, "no" declines, anything else is a wrong number. `channel` "" sends nothing."""

    channel: str = "post"
    name: str = "tap"
    result: Result = Result.NONE
    seconds: float = 60.0
    waits: bool = True
    needs_web: bool = False
    together: bool = False

    @property
    def uses(self) -> str:
        return self.name

    def fits(self, credential: Credential) -> bool:
        return True

    def label(self, credential: Credential) -> str:
        return credential.label

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        return Opening(Approve("42"), "memory of the tap", self.channel, "tap", self.seconds)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification:
        assert asked.memory == "memory of the tap"
        match answer.reveal():
            case b"yes":
                return Passed(asked.credentials[0])
            case b"no":
                return Failed(Reason.DECLINED)
            case _:
                return Failed(Reason.WRONG_CODE)


@dataclass(frozen=True)
class Token:
    """What a person holds. Its clock may be off by `drift` seconds; its counter rises by one a press."""

    world: "World"
    id: str
    secret: bytes
    drift: float = 0.0

    @property
    def credential(self) -> Credential:
        return self.world.credentials[self.id]

    @property
    def seed(self) -> Seed:
        return self.world.seeds[self.credential.seed_id]

    def code(self, steps: int = 0) -> str:
        """Read the display, or what it showed or will show `steps` steps away from now."""
        one = self.credential
        step = time_step(self.world.at + self.drift, one.period) + steps
        return hotp(self.secret, step, one.digits, one.algorithm)

    def press(self, counter: int) -> str:
        return hotp(self.secret, counter, self.credential.digits, self.credential.algorithm)

    def wrong(self) -> str:
        """Digits that are right for no step nor counter near by."""
        near = {self.code(step) for step in range(-20, 20)} | {self.press(counter) for counter in range(200)}
        width = self.credential.digits
        return next(code for code in (f"{n:0{width}}" for n in range(10**width)) if code not in near)


@dataclass
class World:
    """Everything that a store would hold, and a clock that stands still until it is moved."""

    at: float = NOON
    limits: Limits = field(default_factory=Limits)
    engine: Engine = field(default_factory=lambda: Engine([Totp(), Hotp(), Recovery(mac)], [Tap()]))
    settings: Settings = field(default_factory=Settings)
    clients: dict[str, Client] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    seeds: dict[str, Seed] = field(default_factory=dict)
    failures: dict[str, dict[FailureKey, Failures]] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    journal: list[Entry] = field(default_factory=list)
    checked: list[CheckPassword] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    drawn: int = 0

    def __post_init__(self) -> None:
        self.settings = replace(self.settings, limits=self.limits)
        if not self.clients:
            self.client("vpn")

    # -- who and what there is --------------------------------------------------------------------------------

    def client(self, name: str, sign_in: SignIn = SignIn.PASSWORD_THEN_CODE, **more: object) -> "World":
        self.clients[name] = replace(Client(name, name, ("0.0.0.0/0",), (), sign_in=sign_in), **more)  # type: ignore[arg-type]
        return self

    def rule(self, outcome: Outcome, **conditions: tuple[str, ...]) -> "World":
        position = len(self.rules)
        name = f"{position}: {outcome}"
        self.rules.append(Rule(name, position, name, outcome, **conditions))
        return self

    def person(self, name: str, password: str = "secret", mfa: Mfa = Mfa.ENFORCED, *groups: str) -> "Person":
        self.users[name] = User(f"id-{name}", name, name, mfa=mfa, groups=groups)
        self.passwords[f"id-{name}"] = password
        return Person(self, name)

    def person_named(self, name: str) -> "Person":
        return Person(self, name)

    # -- what happens -----------------------------------------------------------------------------------------

    def later(self, seconds: float) -> "World":
        self.at += seconds
        return self

    def begin(
        self, name: str, typed: str | bytes, source: str = HOME, *, client: str = "vpn", proof: str = ""
    ) -> Decision:
        """Begin a sign-in, performing the one check of the password if it is ordered."""
        began = self.began(name, typed, source, client=client, proof=proof)
        step = self.happens(began)
        if isinstance(step.order, CheckPassword):
            step = self.happens(PasswordChecked(began, right=self.is_right(step.order)))
        return decided(step)

    def began(
        self, name: str, typed: str | bytes, source: str = HOME, *, client: str = "vpn", proof: str = ""
    ) -> Began:
        secret = Secret(typed) if isinstance(typed, bytes) else Secret.of(typed)
        return Began(client, name, name, secret, source, source, proof)

    def is_right(self, order: CheckPassword) -> bool:
        return self.passwords.get(order.user_id, "").encode() == order.password.reveal()

    def answer(self, asked: Decision, typed: str, *, name: str = "alice", client: str = "vpn") -> Decision:
        """Answer a question through the client that asked."""
        assert isinstance(asked, Ask | Wait), asked
        return decided(self.happens(Answered(asked.attempt_id, asked.nonce, Secret.of(typed), client, name)))

    def answer_elsewhere(self, asked: Decision, said: str) -> Decision:
        """Answer a question through another door."""
        assert isinstance(asked, Wait), asked
        return decided(self.happens(Answered(asked.attempt_id, asked.nonce, Secret.of(said))))

    def sign_in(self, name: str, password: str, code: str, source: str = HOME, *, client: str = "vpn") -> Decision:
        """Type the password, then the code if it is asked."""
        first = self.begin(name, password, source, client=client)
        return self.answer(first, code, name=name, client=client) if isinstance(first, Ask) else first

    def expire(self, asked: Decision) -> Decision:
        assert isinstance(asked, Ask | Wait), asked
        return decided(self.happens(Expired(asked.attempt_id, asked.nonce)))

    def lose_message(self, asked: Decision) -> Decision:
        assert isinstance(asked, Wait), asked
        return decided(self.happens(NotDelivered(asked.attempt_id, asked.nonce)))

    def happens(self, event: Event) -> Step:
        """Load the case, decide, save: one settled event."""
        self.drawn += 1
        step = self.engine.step(self.case(event), event, self.moment())
        self._save(event, step)
        return step

    def moment(self) -> Moment:
        return Moment(self.at, hashlib.sha256(self.drawn.to_bytes(8, "big")).digest())

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(1, self.settings, self.clients, tuple(self.rules))

    @property
    def last(self) -> Entry:
        return self.journal[-1]

    def failures_of(self, name: str, factor: str) -> int:
        """How many failures count against a factor of this person, from all places together."""
        row = self.failures.get(f"id-{name}", {}).get((FailureKind.FACTOR, factor))
        return row.count if row else 0

    # -- the store --------------------------------------------------------------------------------------------

    def case(self, event: Event) -> Case:
        match event:
            case Began() | PasswordChecked():
                began = event if isinstance(event, Began) else event.began
                return self._case_of(self.users.get(began.user_key), began.source)
            case Presented():
                held = self.credentials.get(event.credential_id)
                owner = next((user for user in self.users.values() if held and user.id == held.user_id), None)
                return self._case_of(owner, event.source)
            case Answered() | Chose() | NotDelivered() | Expired():
                attempt = self.attempts.get(event.attempt_id)
                if attempt is None:
                    return Case(self.snapshot)
                user = next((user for user in self.users.values() if user.id == attempt.user_id), None)
                return replace(self._case_of(user, attempt.source), attempt=attempt)
            case _:
                return self._case_of(self.users.get(event.began.user_key), event.began.source)

    def _case_of(self, user: User | None, source: str) -> Case:
        if user is None:
            return Case(self.snapshot)
        credentials = tuple(one for one in self.credentials.values() if one.user_id == user.id)
        seeds = {one.seed_id: self.seeds[one.seed_id] for one in credentials if one.seed_id}
        rows = self.failures.get(user.id, {})
        loaded = {key: row for key, row in rows.items() if key[0] is FailureKind.FACTOR or key[1] == source}
        return Case(self.snapshot, user, credentials, seeds, loaded)

    def _save(self, event: Event, step: Step) -> None:
        case = step.case
        if case.user is not None:
            self.users[case.user.key] = case.user
            self.failures.setdefault(case.user.id, {}).update(case.failures)
        self.credentials.update({one.id: one for one in case.credentials})
        self.seeds.update(case.seeds)
        self._save_attempt(event, case.attempt)
        if step.entry is not None:
            self.journal.append(step.entry)
        match step.order:
            case CheckPassword():
                self.checked.append(step.order)
            case Deliver(message):
                self.messages.append(message)
            case None:
                pass

    def _save_attempt(self, event: Event, attempt: Attempt | None) -> None:
        if attempt is not None:
            self.attempts[attempt.id] = attempt
        elif isinstance(event, Answered | Chose | NotDelivered | Expired):
            self.attempts.pop(event.attempt_id, None)


@dataclass(frozen=True)
class Person:
    """Somebody, and what they are given."""

    world: World
    name: str

    @property
    def user(self) -> User:
        return self.world.users[self.name]

    def totp(self, secret: bytes = b"12345678901234567890", **more: object) -> Token:
        return self._token("totp", secret, more)

    def hotp(self, secret: bytes = b"abcdefghijklmnopqrst", **more: object) -> Token:
        return self._token("hotp", secret, more)

    def tap(self) -> Credential:
        return self._holds("tap")

    def recovery_codes(self) -> tuple[str, ...]:
        chance = hashlib.shake_128(self.name.encode()).digest(CODES * OCTETS)
        credential, codes = Recovery(mac).issue(self._holds("recovery"), chance)
        self.world.credentials[credential.id] = credential
        return codes

    def changes(self, **more: object) -> None:
        self.world.users[self.name] = replace(self.user, **more)  # type: ignore[arg-type]

    def is_blocked(self, until: float = FOR_GOOD) -> None:
        self.changes(block=Block(self.world.at, until, "admin", "left"))

    def _token(self, method: str, secret: bytes, more: Mapping[str, object]) -> Token:
        seed_id = base64.b32encode(secret).decode()
        self.world.seeds.setdefault(seed_id, Seed(seed_id, Secret(secret)))
        credential = self._holds(method, seed_id=seed_id, **more)
        return Token(self.world, credential.id, secret)

    def _holds(self, method: str, **more: object) -> Credential:
        credential_id = f"{method}-{len(self.world.credentials)}"
        credential = replace(Credential(credential_id, method, self.user.id), **more)  # type: ignore[arg-type]
        self.world.credentials[credential_id] = credential
        return credential


def decided(step: Step) -> Decision:
    assert step.decision is not None, step.order
    return step.decision


def reason(decision: Decision) -> Reason | None:
    """Why it was refused; None when it was not."""
    return decision.reason if isinstance(decision, Reject) else None
