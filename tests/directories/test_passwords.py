"""Password hashing: right answers, a bounded queue, fair turns, and no sign of who exists."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from anyio.lowlevel import checkpoint
from argon2 import extract_parameters

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.directories.local import LocalDirectory
from vestibule.directories.passwords import PasswordPool

RIGHT = Secret.of("correct horse battery staple")
WRONG = Secret.of("correct horse battery stable")

pytestmark = pytest.mark.anyio


def cheap(workers: int = 1, queue_limit: int = 1000, source_limit: int | None = None) -> PasswordPool:
    return PasswordPool(workers, queue_limit, memory_kib=8, time_cost=1, source_limit=source_limit)


@pytest.fixture
def pool() -> Iterator[PasswordPool]:
    made = cheap()
    yield made
    made.close()


class Held(Secret):
    """A password that keeps its worker busy until it is let go."""

    __slots__ = ("go", "seen")

    def __init__(self) -> None:
        super().__init__(b"held")
        self.go, self.seen = threading.Event(), threading.Event()

    def reveal(self) -> bytes:
        self.seen.set()
        assert self.go.wait(30)
        return super().reveal()


def soon() -> float:
    """A deadline that no test reaches."""
    return asyncio.get_running_loop().time() + 60


def start(pool: PasswordPool, source: str, password: Secret = WRONG) -> "asyncio.Task[bool]":
    return asyncio.create_task(pool.check(None, password, source, soon()))


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await checkpoint()


async def test_the_right_password_passes_and_a_wrong_one_does_not(pool: PasswordPool) -> None:
    stored = await pool.hash(RIGHT)
    assert await pool.check(stored, RIGHT, "a", soon()) is True
    assert await pool.check(stored, WRONG, "a", soon()) is False


@pytest.mark.requirement(15)
async def test_hashes_are_argon2id_with_a_salt_of_their_own(pool: PasswordPool) -> None:
    first, second = await pool.hash(RIGHT), await pool.hash(RIGHT)
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert extract_parameters(first).salt_len >= 16
    assert first != second


async def test_the_same_word_typed_on_another_keyboard_is_the_same_password(pool: PasswordPool) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Frühstück für Zoë") for form in ("NFC", "NFD"))
    assert composed != decomposed
    stored = await pool.hash(Secret.of(decomposed))
    assert await pool.check(stored, Secret.of(composed), "a", soon()) is True
    assert await pool.check(stored, Secret.of(decomposed), "a", soon()) is True


@pytest.mark.requirement(15)
async def test_1024_octets_are_hashed_and_one_more_is_refused_unhashed(pool: PasswordPool) -> None:
    stored = await pool.hash(Secret(b"x" * 1024))
    assert await pool.check(stored, Secret(b"x" * 1024), "a", soon()) is True
    begun = pool.begun
    assert await pool.check(stored, Secret(b"x" * 1025), "a", soon()) is False
    with pytest.raises(Malformed, match="1024 octets"):
        await pool.hash(Secret(b"x" * 1025))
    assert pool.begun == begun


async def test_octets_that_are_not_utf8_are_a_wrong_password_and_never_a_new_one(pool: PasswordPool) -> None:
    stored = await pool.hash(RIGHT)
    assert await pool.check(stored, Secret(b"\xff\xfe"), "a", soon()) is False
    with pytest.raises(Malformed, match="UTF-8 at octet 2"):
        await pool.hash(Secret(b"ab\xff"))


@pytest.mark.parametrize("stored", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$é$$$"])
async def test_what_is_no_argon2_hash_is_malformed(pool: PasswordPool, stored: str) -> None:
    with pytest.raises(Malformed, match="not an argon2 hash"):
        await pool.check(stored, RIGHT, "a", soon())
    with pytest.raises(Malformed, match="not an argon2 hash"):
        pool.needs_rehash(stored)


async def test_a_damaged_hash_lets_nobody_in(pool: PasswordPool) -> None:
    with pytest.raises(Unavailable, match="argon2 says"):
        await pool.check("$argon2id$v=19$m=8,t=1,p=1$AAAA$!!!!", RIGHT, "a", soon())


async def test_a_hash_of_another_cost_still_passes_and_asks_to_be_made_anew(pool: PasswordPool) -> None:
    old = PasswordPool(1, 1, memory_kib=16, time_cost=2)
    stored = await old.hash(RIGHT)
    old.close()
    assert await pool.check(stored, RIGHT, "a", soon()) is True
    assert pool.needs_rehash(stored) is True
    assert pool.needs_rehash(await pool.hash(RIGHT)) is False


@pytest.mark.requirement(23)
async def test_an_unknown_person_costs_one_hash_of_the_same_cost_and_is_refused(pool: PasswordPool) -> None:
    real = await pool.hash(RIGHT)
    begun = pool.begun
    assert await pool.check(None, RIGHT, "a", soon()) is False
    assert pool.begun == begun + 1
    assert extract_parameters(pool._nobody) == extract_parameters(real)


async def test_two_hundred_at_once_are_all_answered_right_by_few_workers() -> None:
    pool = cheap(workers=3)
    stored = await pool.hash(RIGHT)
    tries = [RIGHT if turn % 3 == 0 else WRONG for turn in range(200)]
    checks = (pool.check(stored, word, f"source {turn % 7}", soon()) for turn, word in enumerate(tries))
    assert await asyncio.gather(*checks) == [word is RIGHT for word in tries]
    assert (pool.begun, pool.waiting) == (201, 0)
    pool.close()


async def test_never_more_hash_at_once_than_there_are_workers() -> None:
    pool, words = cheap(workers=2), [Held() for _ in range(5)]
    tasks = [start(pool, "a", word) for word in words]
    await until(lambda: words[0].seen.is_set() and words[1].seen.is_set())
    assert (pool.begun, pool.waiting) == (2, 3)
    words[1].go.set()
    await until(words[2].seen.is_set)
    assert pool.begun == 3
    assert not words[3].seen.is_set()
    for word in words:
        word.go.set()
    assert await asyncio.gather(*tasks) == [False] * 5
    pool.close()


@pytest.mark.requirement(44)
async def test_a_quiet_source_is_served_at_once_beside_a_noisy_one_with_500_waiting() -> None:
    pool, order = cheap(workers=2, queue_limit=2000), list[str]()
    sources = ["noisy"] * 500 + ["quiet"] + ["noisy"] * 100
    tasks = [start(pool, source) for source in sources]
    for task, source in zip(tasks, sources, strict=True):
        task.add_done_callback(lambda _, source=source: order.append(source))  # type: ignore[misc]
    await asyncio.gather(*tasks)
    assert order.index("quiet") <= 6
    pool.close()


async def test_sources_take_turns_and_each_is_served_in_its_own_order() -> None:
    pool, held, order = cheap(), Held(), list[str]()
    first = start(pool, "z", held)
    names = ["a1", "a2", "a3", "b1", "b2", "c1"]
    tasks = [start(pool, name[0]) for name in names]
    for task, name in zip(tasks, names, strict=True):
        task.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
    await until(lambda: pool.waiting == 6)
    held.go.set()
    await asyncio.gather(first, *tasks)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]
    pool.close()


async def test_a_source_over_its_share_is_refused_unhashed_while_others_are_taken() -> None:
    pool, held = cheap(queue_limit=10, source_limit=2), Held()
    waiting = [start(pool, "a", held), start(pool, "a"), start(pool, "a")]
    await until(lambda: pool.waiting == 2)
    with pytest.raises(Unavailable, match="from this source"):
        await pool.check(None, WRONG, "a", soon())
    waiting.append(start(pool, "b"))
    held.go.set()
    assert await asyncio.gather(*waiting) == [False] * 4
    assert pool.begun == 4
    pool.close()


async def test_a_full_queue_makes_room_for_who_has_fewer_waiting() -> None:
    pool, held = cheap(queue_limit=4, source_limit=4), Held()
    noisy = [start(pool, "noisy", held), *(start(pool, "noisy") for _ in range(4))]
    await until(lambda: pool.waiting == 4)
    quiet = start(pool, "quiet")
    with pytest.raises(Unavailable, match="gave way"):
        await noisy.pop()
    held.go.set()
    assert await asyncio.gather(quiet, *noisy) == [False] * 5
    assert pool.begun == 5
    pool.close()


async def test_a_queue_full_of_equals_refuses_the_newcomer_unhashed() -> None:
    pool, held = cheap(queue_limit=2), Held()
    tasks = [start(pool, "a", held), start(pool, "a"), start(pool, "b")]
    await until(lambda: pool.waiting == 2)
    with pytest.raises(Unavailable, match="too many wait"):
        await pool.check(None, WRONG, "c", soon())
    held.go.set()
    await asyncio.gather(*tasks)
    assert pool.begun == 3
    pool.close()


async def test_without_a_queue_only_free_workers_take_work() -> None:
    pool, held = cheap(queue_limit=0), Held()
    task = start(pool, "a", held)
    await until(held.seen.is_set)
    with pytest.raises(Unavailable):
        await pool.check(None, WRONG, "b", soon())
    held.go.set()
    assert await task is False
    assert await pool.check(None, WRONG, "b", soon()) is False
    pool.close()


@pytest.mark.requirement(44)
async def test_who_is_not_served_by_the_deadline_is_told_and_never_hashed() -> None:
    pool, held = cheap(), Held()
    task = start(pool, "a", held)
    await until(held.seen.is_set)
    with pytest.raises(Unavailable, match="in time"):
        await pool.check(None, WRONG, "b", asyncio.get_running_loop().time() + 0.01)
    held.go.set()
    assert await task is False
    assert (pool.begun, pool.waiting) == (1, 0)
    pool.close()


async def test_a_deadline_that_has_passed_already_is_refused_even_by_a_free_worker(pool: PasswordPool) -> None:
    with pytest.raises(Unavailable, match="in time"):
        await pool.check(None, WRONG, "a", asyncio.get_running_loop().time())
    assert pool.begun == 0


async def test_a_deadline_that_passes_while_hashing_spoils_nothing() -> None:
    pool, held, loop = cheap(), Held(), asyncio.get_running_loop()
    deadline = loop.time() + 0.01
    task = asyncio.create_task(pool.check(None, held, "a", deadline))
    await until(lambda: loop.time() > deadline + 0.01)
    held.go.set()
    assert await task is False
    pool.close()


async def test_a_cancelled_caller_leaves_the_queue_and_is_never_hashed() -> None:
    pool, held = cheap(), Held()
    first, second, third = start(pool, "a", held), start(pool, "a"), start(pool, "b")
    await until(lambda: pool.waiting == 2)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert pool.waiting == 1
    held.go.set()
    assert not any(await asyncio.gather(first, third))
    assert pool.begun == 2
    pool.close()


async def test_a_caller_cancelled_while_hashing_frees_the_worker_only_when_the_hash_ends() -> None:
    pool, held = cheap(), Held()
    first, second = start(pool, "a", held), start(pool, "b")
    await until(lambda: held.seen.is_set() and pool.waiting == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (pool.begun, pool.waiting) == (1, 1)
    held.go.set()
    assert await second is False
    pool.close()


async def test_cancelling_hundreds_at_random_moments_loses_no_worker() -> None:
    pool = cheap(workers=3)
    tasks = [start(pool, f"source {turn % 5}") for turn in range(300)]
    for turn, task in enumerate(tasks):
        if turn % 3 == 0:
            task.cancel()
        if turn % 10 == 0:
            await checkpoint()
    await asyncio.wait(tasks)
    await until(lambda: pool._free == 3)
    assert [task.cancelled() for task in tasks].count(False) >= 200
    assert pool.waiting == 0
    pool.close()


async def test_closing_refuses_who_waits_and_who_comes_and_finishes_what_runs() -> None:
    pool, held = cheap(), Held()
    running, waiting = start(pool, "a", held), start(pool, "a")
    await until(lambda: held.seen.is_set() and pool.waiting == 1)
    held.go.set()
    pool.close()
    assert await running is False
    for refused in (waiting, start(pool, "a")):
        with pytest.raises(Unavailable, match="stopping"):
            await refused


@pytest.mark.requirement(47)
async def test_no_password_or_hash_shows_in_a_repr() -> None:
    pool, held, marker = cheap(), Held(), "canary-password"
    stored = await pool.hash(Secret.of(marker))
    tasks = [start(pool, "a", held), asyncio.create_task(pool.check(stored, Secret.of(marker), "a", soon()))]
    await until(lambda: pool.waiting == 1)
    shown = repr([pool, vars(pool), vars(pool._line), tasks])
    assert marker not in shown
    assert stored not in shown
    held.go.set()
    await asyncio.gather(*tasks)
    pool.close()


@pytest.mark.requirement(23)
async def test_the_local_directory_hashes_once_for_everybody(pool: PasswordPool) -> None:
    hashes: dict[str, str | None] = {"anna": await pool.hash(RIGHT), "no-password": None}

    async def hash_of(user_id: str) -> str | None:
        return hashes[user_id]

    directory = LocalDirectory(hash_of, pool)
    begun = pool.begun
    asked = [("anna", RIGHT), ("anna", WRONG), ("no-password", RIGHT), (None, RIGHT)]
    answers = [await directory.check_password(user, word, "a", soon()) for user, word in asked]
    assert directory.name == "local"
    assert answers == [True, False, False, False]
    assert pool.begun == begun + 4
