"""Row 4: sign-ins with a code over the HTTP API, beside trivial endpoints on the same listener."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import goals
from bench.goals import Figure
from bench.load import Asked
from bench.packets import home_of
from bench.plans import Stream, planned
from bench.population import CODE_CLIENT, code_of, user_name
from bench.processes import Running, product, running
from bench.setting import People, Setting
from bench.sign_ins import IN_FLIGHT, OPEN_SHARE, WARM
from bench.web_load import WebRequest, closed_loop, open_loop, post
from vestibule.frontends.http.attempts import BeginPlainly

CLOSED_SHARE = 0.5  # of all users
MOST = 15_000  # answers a second that a trivial endpoint is expected to give at most
KEY = "bench"


@dataclass(frozen=True)
class Round:
    """Figures of one round; rates a second, shares in percent."""

    rate: float
    p99: float
    of_framework: float
    of_plain: float


def web_sign_ins(setting: Setting) -> Iterator[Figure]:
    rounds = [_round(setting) for _ in range(setting.scale.rounds)]
    yield Figure(goals.WEB, [one.rate for one in rounds])
    yield Figure(goals.WEB_P99, [one.p99 for one in rounds])
    yield Figure(goals.WEB_SHARE, [one.of_framework for one in rounds])
    yield Figure(goals.WEB_PLAIN, [one.of_plain for one in rounds])


def _round(setting: Setting) -> Round:
    framework, plain = (_trivial(setting, kind) for kind in ("fastapi", "starlette"))
    people = People(setting.scale.users)
    with product("serve", setting.cores.server, setting.scale.population) as server:
        key = server.told("api-key", "add", KEY, "--client", CODE_CLIENT)["secret"]
        closed_loop(server.api, begins(people.take(WARM), key), 4, 5.0)
        rate = _closed(setting, server, begins(people.take(int(setting.scale.users * CLOSED_SHARE)), key))
        p99 = _open(setting, server, people, key, rate * OPEN_SHARE)
    return Round(rate, p99, rate / framework * 100, rate / plain * 100)


def _trivial(setting: Setting, kind: str) -> float:
    seconds = setting.scale.seconds / 2
    people = range(int(MOST * seconds))
    with running("bench.web_baselines", kind, setting.cores.server) as server:
        load = server.under(lambda port: closed_loop(port, begins(people, KEY), IN_FLIGHT, seconds))
    return setting.keep(f"trivial endpoint ({kind}), {IN_FLIGHT} connections", load).rate


def _closed(setting: Setting, server: Running, requests: Sequence[Asked]) -> float:
    load = server.under(lambda _: closed_loop(server.api, requests, IN_FLIGHT, setting.scale.seconds))
    return setting.keep(f"one-shot over HTTP, {IN_FLIGHT} connections", load).rate


def _open(setting: Setting, server: Running, people: People, key: str, rate: float) -> float:
    seconds = min(setting.scale.seconds, len(people) / rate / 1.3)  # chance may ask for some more
    plan = planned(seconds, Stream(rate, lambda _: _begin(people.take(1)[0], key)))
    load = server.under(lambda _: open_loop(server.api, plan.requests))
    return setting.keep(f"one-shot over HTTP, open loop at {OPEN_SHARE:.0%} of peak", load).quantile(0.99)


def begins(people: Sequence[int], key: str) -> list[Asked]:
    """One-shot sign-ins of these people."""
    return [_begin(index, key) for index in people]


def _begin(index: int, key: str) -> WebRequest:
    name = user_name(index)
    body = {"user": name, "code": code_of(name, time.time()), "source": home_of(index)}
    return WebRequest(post(BeginPlainly.path, key, body), {"decision": "accept", "user": name})
