"""Rows 1b, 6, 7 and 8: what passwords, many users, an attack and thousands who wait do to everybody else's sign-in."""

import signal
from collections.abc import Iterator
from itertools import count, cycle

from bench import goals
from bench.goals import Figure
from bench.load import Parked, open_loop
from bench.packets import Request, password_and_code, right_code, waiting, wrong_code
from bench.plans import Stream, planned
from bench.population import LOCAL, LOCKED, local_name, locked_name, parked_name, prepared, user_name
from bench.processes import Running, product
from bench.setting import People, Setting
from bench.sign_ins import measured_peak, warm_up

PEAK_SHARE = 0.1  # of all users, to find the peak
HALF = 0.5
PASSWORDS = 10.0  # a second: each takes the server's core for 20 ms
ATTACK, GOOD = 1.0, 0.1  # of the peak
PLACES = 64  # that attack
PARKING, BESIDE = 1000.0, 500.0  # a second


def passwords(setting: Setting) -> Iterator[Figure]:
    """Row 1b: the same stream of codes, alone and with passwords beside it."""
    people = People(setting.scale.users)
    with product("serve", setting.cores.server, setting.scale.population) as server:
        rate = HALF * measured_peak(setting, server, people, _some(setting), "one-shot, before passwords")
        alone = _beside_passwords(setting, server, people, rate, 0)
        beside = _beside_passwords(setting, server, people, rate, PASSWORDS)
    yield Figure(goals.PASSWORD_ALONE, [alone], f"{rate:,.0f}/s")
    yield Figure(goals.PASSWORD_P99, [beside], f"{rate:,.0f}/s and {PASSWORDS:g} passwords/s")


def _beside_passwords(setting: Setting, server: Running, people: People, rate: float, hashed: float) -> float:
    seconds = _seconds(setting, people, rate / HALF)
    locals_ = count()
    streams = [_codes(people, rate)]
    if hashed:
        streams.append(Stream(hashed, lambda n: password_and_code(n, local_name(i := next(locals_) % LOCAL), i)))
    plan = planned(seconds, *streams)
    load = server.under(lambda port: open_loop(port, plan.requests))
    run = setting.keep(f"codes at {HALF:.0%} of peak, {hashed:g} passwords/s beside", load)
    return plan.part(run, 0).quantile(0.99)


def growth(setting: Setting) -> Iterator[Figure]:
    """Row 6: as many sign-ins on these users and on ten times as many, in turn."""
    small, large = setting.scale.population, setting.scale.tenfold
    prepared(large)
    rates, megabytes = [], []
    for _ in range(setting.scale.rounds):
        found = {}
        for population in (small, large):
            people = People(population.users)
            with product("serve", setting.cores.server, population) as server:
                name = f"one-shot, {population.users:,} users"
                rate = measured_peak(setting, server, people, small.users // 2, name)
                found[population] = rate, server.resident
        rates.append(found[large][0] / found[small][0])
        megabytes.append(found[large][1] - found[small][1])
    note = f"{small.users:,} → {large.users:,} users"
    yield Figure(goals.GROWTH, rates, note)
    yield Figure(goals.GROWTH_MEMORY, megabytes, note)


def attack(setting: Setting) -> Iterator[Figure]:
    """Row 7: guesses, locked users and names that nobody has, as fast as the server takes sign-ins."""
    people = People(setting.scale.users)
    with product("serve", setting.cores.server, setting.scale.population) as server:
        peak = measured_peak(setting, server, people, _some(setting), "one-shot, before the attack")
        attacked = cycle(people.take(setting.scale.users // 4))
        seconds = min(setting.scale.seconds, len(people) / peak / GOOD / 2)
        plan = planned(seconds, _codes(people, peak * GOOD), _attack(peak * ATTACK, attacked))
        load = server.under(lambda port: open_loop(port, plan.requests))
    run = setting.keep(f"attack at {ATTACK:.0%} of peak, good users at {GOOD:.0%}", load)
    good = plan.part(run, 0)
    let_in = len(good.answered) - good.wrong
    note = f"{peak * ATTACK:,.0f} attacks/s, {peak * GOOD:,.0f} good/s"
    yield Figure(goals.ATTACK_P99, [good.quantile(0.99)], note)
    yield Figure(goals.ATTACK_SUCCESS, [100 * let_in / len(good.exchanges)], note)


def _attack(rate: float, attacked: Iterator[int]) -> Stream:
    """In turn: a guess at a user's code, a locked user, a name that nobody has."""
    numbers = count()

    def make(n: int) -> Request:
        number = next(numbers)
        source = f"203.0.113.{number % PLACES}"
        names = (user_name(next(attacked)), locked_name(number % LOCKED), f"nobody-{number}")
        return wrong_code(n, names[number % len(names)], source)

    return Stream(rate, make)


def parked(setting: Setting) -> Iterator[Figure]:
    """Row 8: all wait; others sign in; then all are approved, and every one of them must be let in."""
    people = People(setting.scale.users)
    requests = [waiting(n, parked_name(n), n) for n in range(setting.scale.parked)]
    with product("patient", setting.cores.server, setting.scale.population) as server:
        warm_up(server, people)
        with Parked(server.port, requests, PARKING) as those:
            plan = planned(setting.scale.seconds, _codes(people, BESIDE))
            load = server.under(lambda port: open_loop(port, plan.requests))
            run = setting.keep(f"{BESIDE:g}/s beside {len(requests):,} that wait", load)
            resident = server.resident
            server.signal(signal.SIGUSR1)
            setting.keep(f"{len(requests):,} approvals", server.under(lambda _: those.answers()))
    note = f"{len(requests):,} waiting"
    yield Figure(goals.PARKED_MEMORY, [resident], note)
    yield Figure(goals.PARKED_P99, [run.quantile(0.99)], note)


def _codes(people: People, rate: float) -> Stream:
    def make(n: int) -> Request:
        index = people.take(1)[0]
        return right_code(n, user_name(index), index)

    return Stream(rate, make)


def _some(setting: Setting) -> int:
    return int(setting.scale.users * PEAK_SHARE)


def _seconds(setting: Setting, people: People, rate: float) -> float:
    """As long as planned, or as people last at this rate."""
    return min(setting.scale.seconds, len(people) / rate)
