"""The door for providers: who finds it, what is believed, how long it takes, and what a provider is answered."""

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from vestibule.core.delivery import Forged, Hook, HookAnswer, Report, ReportKind, Say
from vestibule.core.errors import Malformed, Unavailable
from vestibule.flows.conversing import Said
from vestibule.frontends.hooks.door import Behind, HookDoor

TOKEN = "0123456789abcdef" * 2
PATH = f"/hooks/one/{TOKEN}/texts"
OURS = "https://mfa.example.org/hooks/one/" + TOKEN


@dataclass
class Live:
    """A provider that believes the right header, and reports what the body says."""

    hooks: list[Hook] = field(default_factory=list)

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        self.hooks.append(hook)
        if hook.headers.get("x-signature") != "right":
            raise Forged
        if hook.body == b"nonsense":
            raise Malformed("nonsense")
        return (Report(hook.body.decode(), ReportKind.DELIVERED),)

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:
        said = ",".join(prompt for say in says for prompt in say.prompts)
        return HookAnswer(200, "text/xml", f"<{locale}>{said}".encode()) if says else HookAnswer()


@dataclass
class Front:
    """The door, and what stands behind it."""

    live: object = field(default_factory=Live)
    taken: list[tuple[str, Report]] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    says: Said | None = None
    fault: Exception | None = None
    slow: asyncio.Event | None = None
    wait: float = 0.0
    seconds: float = 20.0

    def __post_init__(self) -> None:
        self.registry = CollectorRegistry()
        behind = Behind(
            lambda id: TOKEN if id == "one" else "f" * 32,
            lambda _: OURS,
            self.provider_of,
            self.take_report,
            lambda peer, _: peer,
            self,
            lambda: 1.0,
            self.bug,
        )
        self.door = HookDoor(behind, self.registry, self.seconds)

    def provider_of(self, id: str) -> object:
        return self.live

    def take(self, name: str) -> float:
        return self.wait

    def bug(self, bug: BaseException, _: str) -> str:
        self.bugs.append(bug)
        return ""

    async def take_report(self, provider: str, report: Report) -> Said | None:
        self.taken.append((provider, report))
        if self.slow is not None:
            await self.slow.wait()
        if self.fault is not None:
            raise self.fault
        return self.says

    async def ask(
        self, body: bytes = b"1", path: str = PATH, query: str = "a=1&a=2", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        sent: list[dict[str, Any]] = []
        given = {"X-Signature": "right", "Host": "evil.example"} if headers is None else headers
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("192.0.2.9", 1),
        }
        parts = [body[i : i + 50_000] for i in range(0, len(body), 50_000)] or [b""]

        async def receive() -> MutableMapping[str, Any]:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(dict(message))

        await self.door(scope, receive, send)
        return sent[0]["status"], sent[1]["body"]

    def counted(self, provider: str, answer: int) -> float:
        labels = {"provider": provider, "answer": str(answer)}
        return self.registry.get_sample_value("vestibule_hooks_total", labels) or 0.0


async def test_what_is_proven_is_taken_under_our_own_address() -> None:
    front = Front()
    assert await front.ask(b"7") == (204, b"")
    assert [(provider, report.id) for provider, report in front.taken] == [("one", "7")]
    assert isinstance(front.live, Live)
    (hook,) = front.live.hooks
    assert hook.url == f"{OURS}/texts?a=1&a=2"
    assert hook.query == (("a", "1"), ("a", "2"))
    assert (hook.address, hook.method) == ("192.0.2.9", "POST")
    assert front.counted("one", 204) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/one/" + "0" * 32,
        "/hooks/two/" + TOKEN,
        "/hooks/one/" + TOKEN[:-1],
        "/hooks/one/" + TOKEN + "/../x%00",
        "/hooks/one",
        "/hooks/ONE/" + TOKEN,
        "/hooks//" + TOKEN,
    ],
)
async def test_who_does_not_know_the_token_finds_nothing(path: str) -> None:
    front = Front()
    assert await front.ask(path=path) == (404, b"")
    assert front.taken == []
    assert front.counted("unknown", 404) == 1


async def test_a_provider_that_tells_nothing_has_no_door() -> None:
    assert (await Front(live=object()).ask())[0] == 404
    assert (await Front(live=None).ask())[0] == 404


@pytest.mark.parametrize(("body", "headers", "status"), [(b"1", {}, 403), (b"nonsense", None, 400)])
async def test_what_is_forged_or_makes_no_sense_is_not_taken(
    body: bytes, headers: Mapping[str, str] | None, status: int
) -> None:
    front = Front()
    assert await front.ask(body, headers=headers) == (status, b"")
    assert front.taken == []


@pytest.mark.parametrize(("octets", "status"), [(64 * 1024, 204), (64 * 1024 + 1, 413)])
async def test_a_body_has_64_kib_at_most(octets: int, status: int) -> None:
    assert (await Front().ask(b"1" * octets))[0] == status


async def test_too_many_are_put_off() -> None:
    front = Front(wait=0.5)
    assert (await front.ask())[0] == 429
    assert front.taken == []


async def test_while_the_database_is_away_a_repetition_is_asked_for() -> None:
    assert (await Front(fault=Unavailable("away")).ask())[0] == 503


async def test_what_takes_too_long_is_answered_in_time_and_taken_all_the_same() -> None:
    front = Front(slow=asyncio.Event(), seconds=0.01)
    assert (await front.ask())[0] == 503
    assert front.slow
    front.slow.set()
    await front.door.close()
    assert len(front.taken) == 1


async def test_a_bug_is_told_once_and_answered() -> None:
    front = Front(fault=RuntimeError("bug"))
    assert (await front.ask())[0] == 500
    assert len(front.bugs) == 1


async def test_a_call_is_told_what_to_say() -> None:
    front = Front(says=Said(None, Say(("greeting",)), "nl"))  # type: ignore[arg-type]  # whose call it is stays behind
    assert await front.ask() == (200, b"<nl>greeting")
