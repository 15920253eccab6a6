"""Argon2id on a bounded thread pool, shared fairly between the sources that ask.

Rules of this file: all state lives on one event loop, only hashing happens in threads; a thread is given out to the
sources in turn; nothing waits past its deadline, and what has not begun by then is never hashed. Where a wrong answer
could tell a stranger something (unknown person, no password), the same work is done and thrown away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.password_policy import LONGEST_OCTETS, normal
from vestibule.core.secret import Secret

T = TypeVar("T")

_OURSELVES = None
"""The source that new hashes are booked to."""

_PATIENCE = 30.0
"""Seconds that a new hash may wait for a worker: a person waits for it, no protocol does."""

_TOO_LATE = "password check: no worker was free in time"
_STOPPING = "password check: the server is stopping"


class PasswordPool:
    """Checks and makes password hashes, `workers` at a time; belongs to the event loop that first calls it."""

    def __init__(
        self,
        workers: int,
        queue_limit: int,
        *,
        memory_kib: int = 19456,
        time_cost: int = 2,
        parallelism: int = 1,
        source_limit: int | None = None,
    ) -> None:
        """Set the cost of new hashes (by default what OWASP asks of argon2id at least) and how many may wait.

        `queue_limit` holds for all sources together, `source_limit` for one (default: half the queue, at least one).
        """
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={time_cost},p={parallelism}${'A' * 22}${'A' * 43}"
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="password")
        self._free = workers
        self._line = _Line(queue_limit, max(1, queue_limit // 2) if source_limit is None else source_limit)
        self._closed = False
        self._begun = 0

    @property
    def waiting(self) -> int:
        """How many wait for a worker."""
        return len(self._line)

    @property
    def begun(self) -> int:
        """How many hashes were begun since the start."""
        return self._begun

    async def check(self, stored: str | None, password: Secret, source: str, deadline: float) -> bool:
        """Tell whether `password` (UTF-8) matches the `stored` hash; None works as hard and is always False.

        `deadline` is in seconds of the event loop's clock. Over 1024 octets is False at once.
        Raises `Unavailable`, with nothing hashed, when the queue is full or no worker is free by the deadline;
        `Malformed` when `stored` is no argon2 hash. A caller that is cancelled leaves the queue.
        """
        if len(password) > LONGEST_OCTETS:
            return False
        against = self._nobody if stored is None else stored
        matches = await self._run(partial(self._verify, against, password), source, deadline)
        return matches and stored is not None

    async def hash(self, password: Secret) -> str:
        """Hash a new password (UTF-8) with a salt of 16 octets from the operating system, as a PHC string.

        Raises `Malformed` over 1024 octets or when it is not UTF-8, `Unavailable` when the queue is full or no worker
        is free for 30 seconds.
        """
        if len(password) > LONGEST_OCTETS:
            raise Malformed(f"password: longer than {LONGEST_OCTETS} octets")
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        return await self._run(partial(self._make, password), _OURSELVES, deadline)

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether a hash was made at another cost than new ones; raises `Malformed` if it is no argon2 hash."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            raise Malformed("password hash: not an argon2 hash") from None

    def close(self) -> None:
        """Refuse all that wait (`Unavailable`) and all to come, and let the hashes that are under way finish."""
        self._closed = True
        while turn := self._line.next():
            turn.refuse(_STOPPING)
        self._threads.shutdown()

    async def _run(self, work: Callable[[], T], source: str | None, deadline: float) -> T:
        """Give back what `work` gives, once a worker was free for it."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise Unavailable(_STOPPING)
        if deadline <= loop.time():
            raise Unavailable(_TOO_LATE)
        answer: asyncio.Future[T] = loop.create_future()
        turn = _Turn(source, work, deadline, answer)
        if self._free:
            self._begin(turn)
        else:
            self._line.join(turn)
        timer = loop.call_at(deadline, self._expire, turn)
        try:
            return await answer
        finally:
            timer.cancel()
            self._line.leave(turn)

    def _begin(self, turn: "_Turn") -> None:
        self._free -= 1
        self._begun += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, turn.work)
        running.add_done_callback(partial(self._end, turn))

    def _end(self, turn: "_Turn", done: "asyncio.Future[Any]") -> None:
        """Only a thread that has ended frees its place, also when its caller has long left."""
        self._free += 1
        turn.settle(done)
        now = asyncio.get_running_loop().time()
        while self._free and (waiting := self._line.next()):
            if waiting.deadline <= now:
                waiting.refuse(_TOO_LATE)
            else:
                self._begin(waiting)

    def _expire(self, turn: "_Turn") -> None:
        if self._line.leave(turn):
            turn.refuse(_TOO_LATE)

    def _verify(self, stored: str, password: Secret) -> bool:
        try:
            return self._hasher.verify(stored, _octets(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, UnicodeEncodeError):
            raise Malformed("password hash: not an argon2 hash") from None
        except VerificationError as error:
            raise Unavailable(f"password check: argon2 says {error}") from None

    def _make(self, password: Secret) -> str:
        try:
            password.reveal().decode()
            return self._hasher.hash(_octets(password))
        except UnicodeDecodeError as error:
            raise Malformed(f"password: not UTF-8 at octet {error.start}") from None
        except HashingError as error:
            raise Unavailable(f"password hash: argon2 says {error}") from None


@dataclass(eq=False, repr=False, slots=True)
class _Turn:
    """One caller's place: what to do for them, and where the answer goes."""

    source: str | None
    work: Callable[[], Any]
    deadline: float
    answer: "asyncio.Future[Any]"

    def settle(self, done: "asyncio.Future[Any]") -> None:
        """Hand over the outcome, unless the caller has left."""
        error = done.exception()
        if self.answer.done():
            return
        if error:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(done.result())

    def refuse(self, why: str) -> None:
        """Answer `Unavailable`, unless the caller has left."""
        if not self.answer.done():
            self.answer.set_exception(Unavailable(why))


class _Line:
    """Those who wait: first come first served within a source, the sources in turn.

    When all places are taken, the last of the longest queue gives way to whoever has fewer waiting, so that a source
    may use what others leave, and no number of turns from one keeps another out.
    """

    def __init__(self, limit: int, source_limit: int) -> None:
        self._limit = limit
        self._source_limit = source_limit
        self._sources: OrderedDict[str | None, OrderedDict[_Turn, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def join(self, turn: _Turn) -> None:
        """Stand at the end of the source's queue; raises `Unavailable` if there is no place."""
        own = len(self._sources.get(turn.source, ()))
        if own >= self._source_limit:
            raise Unavailable("password check: too many wait from this source")
        if self._length >= self._limit:
            self._make_room(own)
        self._sources.setdefault(turn.source, OrderedDict())[turn] = None
        self._length += 1

    def next(self) -> _Turn | None:
        """Take the first of the source whose turn it is; the source goes to the back."""
        if not self._sources:
            return None
        source, queue = self._sources.popitem(last=False)
        turn, _ = queue.popitem(last=False)
        if queue:
            self._sources[source] = queue
        self._length -= 1
        return turn

    def leave(self, turn: _Turn) -> bool:
        """Give up the place; False if there was none any more."""
        queue = self._sources.get(turn.source, OrderedDict())
        if turn not in queue:
            return False
        del queue[turn]
        if not queue:
            del self._sources[turn.source]
        self._length -= 1
        return True

    def _make_room(self, own: int) -> None:
        longest = max(self._sources.values(), key=len, default=OrderedDict())
        if len(longest) <= own + 1:
            raise Unavailable("password check: too many wait")
        last = next(reversed(longest))
        self.leave(last)
        last.refuse("password check: gave way to a source with fewer waiting")


def _octets(password: Secret) -> bytes:
    """The normal form of a password; what is not UTF-8 stays as it is and is checked like any wrong one."""
    try:
        return normal(password.reveal().decode()).encode()
    except UnicodeDecodeError:
        return password.reveal()
