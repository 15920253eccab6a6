"""A call as it runs, for tests: keys and pauses go in, what was said and entered comes out. The engine is a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vestibule.core.call_script import CallState, Ended, Entered, Turn, happens, read, told, written
from vestibule.core.decisions import Accept, Decision, Reject, Wait
from vestibule.core.delivery import CallCause, CallEvent, Over, Picked, Pressed, Say, Silence
from vestibule.core.prompts import AnswerCall
from vestibule.core.reasons import Reason

Judge = Callable[[CallState, str], Decision | None]
KEY_SECONDS = 1.0


def at_stage(stage: str) -> Wait:
    return Wait("attempt", "nonce", AnswerCall("+1 •••• 00", stage), 0.0)


@dataclass
class Engine:
    """What `methods/call.py` does with entries, as far as the voice sees it."""

    pin: str = ""
    expired: bool = False
    fraud: str = "0"
    tries: int = 3
    chosen: str = ""

    def __call__(self, state: CallState, keys: str) -> Decision | None:
        by_stage: Mapping[str, Callable[[str], Decision]] = {
            "fraud": lambda _: Reject(Reason.FRAUD_REPORTED),
            "new_pin": self._new_pin,
            "new_pin_again": lambda again: Accept("anna") if again == self.chosen else at_stage("new_pin"),
        }
        return by_stage.get(state.stage, self._first)(keys)

    def _first(self, keys: str) -> Decision:
        if keys == self.fraud:
            return at_stage("fraud")
        if keys == self.pin:
            return at_stage("new_pin") if self.expired else Accept("anna")
        self.tries -= 1
        return at_stage("pin_retry") if self.pin and keys and self.tries else Reject(Reason.WRONG_PIN)

    def _new_pin(self, keys: str) -> Decision:
        if len(keys) < 4:
            return at_stage("new_pin")
        self.chosen = keys
        return at_stage("new_pin_again")


@dataclass
class Conversation:
    """One call; between any two events the state goes through its JSON form, as if to another node."""

    turn: Turn
    judge: Judge
    now: float = 1000.0
    said: list[Say] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [str(prompt) for say in self.said for prompt in say.prompts]

    @property
    def hung_up(self) -> bool:
        return any(say.hang_up for say in self.said)

    def hears(self, event: CallEvent, seconds: float = KEY_SECONDS) -> None:
        self.now += seconds
        self._take(happens(self._carried(), event, self.now))

    def plays(self, script: str) -> None:
        """`!` somebody picks up, `m` a machine does, `.` silence, `x` they hang up; everything else is a key."""
        events: dict[str, CallEvent] = {
            "!": Picked(),
            "m": Picked(machine=True),
            ".": Silence(),
            "x": Over(CallCause.HUNG_UP),
        }
        for sign in script:
            self.hears(events.get(sign, Pressed(sign)))

    def _carried(self) -> CallState:
        return read(written(self.turn.state))

    def _take(self, turn: Turn) -> None:
        self.turn = turn
        if turn.say:
            self.said.append(turn.say)
        if turn.ended:
            self.ended.append(turn.ended)
        if isinstance(turn.entered, Entered):
            self.entered.append(turn.entered.keys)
            self._take(told(self._carried(), self.judge(turn.state, turn.entered.keys), self.now))
