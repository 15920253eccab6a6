"""Rows 1, 2 and 3: sign-ins with a code, beside both baselines; one round after the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.goals import CHALLENGE, CODEC, ONE_SHOT, ONE_SHOT_CPU, ONE_SHOT_P99, SINGLE_P50, Figure
from bench.load import Asked, Conversation, closed_loop, conversations, open_loop
from bench.packets import SLOTS, Echoed, Request, home_of, nothing_typed, right_code
from bench.plans import Stream, planned
from bench.population import code_of, user_name
from bench.processes import Running, product, running
from bench.setting import People, Setting

IN_FLIGHT = 64
OPEN_SHARE = 0.7  # of the peak
WARM = 100  # sign-ins before the first that counts
SHARES = {"closed": 0.5, "open": 0.25, "single": 0.05, "challenge": 0.15}  # of all users


@dataclass(frozen=True)
class Round:
    """Figures of one round."""

    codec: float
    one_shot: float
    one_shot_p99: float
    single_p50: float
    challenge: float


def sign_ins(setting: Setting) -> Iterator[Figure]:
    rounds = [_round(setting) for _ in range(setting.scale.rounds)]
    yield Figure(CODEC, [one.codec for one in rounds])
    yield Figure(ONE_SHOT, [one.one_shot for one in rounds])
    yield Figure(ONE_SHOT_CPU, [_by_cpu(setting)])
    yield Figure(ONE_SHOT_P99, [one.one_shot_p99 for one in rounds])
    yield Figure(SINGLE_P50, [one.single_p50 for one in rounds])
    yield Figure(CHALLENGE, [one.challenge for one in rounds])


def _round(setting: Setting) -> Round:
    echo = _baseline(setting, "echo")
    codec = _baseline(setting, "codec")
    people = People(setting.scale.users)
    with product("serve", setting.cores.server, setting.scale.population) as server:
        peak = measured_peak(setting, server, people, _count(setting, "closed"))
        p99 = _open(setting, server, people, peak)
        p50 = _single(setting, server, people)
        whole = _challenge(setting, server, people)
    return Round(codec / echo * 100, peak / codec * 100, p99, p50, whole / codec * 100)


def _by_cpu(setting: Setting) -> float:
    codec, one_shot = (setting.cases[_closed_name(kind)] for kind in ("codec", "one-shot"))
    return codec.cpu_microseconds / one_shot.cpu_microseconds * 100


def _closed_name(kind: str) -> str:
    return f"{kind}, {IN_FLIGHT} in flight"


def _baseline(setting: Setting, kind: str) -> float:
    requests: list[Asked] = [right_code(n, user_name(n), n) for n in range(SLOTS)]
    if kind == "echo":
        requests = [Echoed(one.octets) for one in requests]
    seconds = setting.scale.seconds / 2
    many = requests * (1 + int(seconds * 200_000 / SLOTS))
    with running("bench.baselines", kind, setting.cores.server) as server:
        load = server.under(lambda port: closed_loop(port, many, IN_FLIGHT, seconds))
    return setting.keep(_closed_name(kind), load).rate


def measured_peak(setting: Setting, server: Running, people: People, count: int, name: str = "") -> float:
    """Sign-ins a second with 64 in flight, after a few that warm the server up."""
    warm_up(server, people)
    requests = codes(people, count)
    load = server.under(lambda port: closed_loop(port, requests, IN_FLIGHT, setting.scale.seconds))
    return setting.keep(name or _closed_name("one-shot"), load).rate


def warm_up(server: Running, people: People) -> None:
    server.under(lambda port: closed_loop(port, codes(people, WARM), 4, 5.0))


def codes(people: People, count: int) -> list[Request]:
    """One-shot sign-ins of people who have not signed in yet."""
    return [right_code(n, user_name(index), index) for n, index in enumerate(people.take(count))]


def _open(setting: Setting, server: Running, people: People, peak: float) -> float:
    rate = peak * OPEN_SHARE
    seconds = min(setting.scale.seconds, _count(setting, "open") / rate)
    taken = iter(people.take(int(rate * seconds * 1.3) + 100))  # chance may ask for some more
    plan = planned(seconds, Stream(rate, lambda n: right_code(n, user_name(index := next(taken)), index)))
    load = server.under(lambda port: open_loop(port, plan.requests))
    return setting.keep(f"one-shot, open loop at {OPEN_SHARE:.0%} of peak", load).quantile(0.99)


def _single(setting: Setting, server: Running, people: People) -> float:
    requests = codes(people, _count(setting, "single"))
    load = server.under(lambda port: closed_loop(port, requests, 1, setting.scale.seconds))
    return setting.keep("one-shot, 1 in flight", load).quantile(0.5)


def _challenge(setting: Setting, server: Running, people: People) -> float:
    logins = [_conversation(n, index) for n, index in enumerate(people.take(_count(setting, "challenge")))]
    load = server.under(lambda port: conversations(port, logins, IN_FLIGHT, setting.scale.seconds))
    return setting.keep(f"challenge, whole logins, {IN_FLIGHT} in flight", load).rate


def _conversation(n: int, index: int) -> Conversation:
    name = user_name(index)
    return Conversation(nothing_typed(2 * n, name, index), name, code_of(name, time.time()), home_of(index))


def _count(setting: Setting, phase: str) -> int:
    return int(setting.scale.users * SHARES[phase])
