"""A value that takes long to find is looked for behind the page, and given a little old meanwhile."""

import asyncio

from vestibule.portals.kept import KEPT_SECONDS, Kept


class Counting:
    """Finds one number after the other, each when it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.go.wait()
        if number == 2:
            raise RuntimeError("away")
        return number


async def settled(kept: Kept[int]) -> None:
    """Wait until what is looked for is found, or could not be."""
    if kept.search:
        await asyncio.wait({kept.search})


async def test_the_first_value_is_waited_for_only_a_moment() -> None:
    kept, count = Kept[int](patience=0.01), Counting()
    count.go.clear()
    assert await kept.fresh(0.0, count) is None
    assert await kept.fresh(1.0, count) is None
    count.go.set()
    await settled(kept)
    assert await kept.fresh(2.0, count) == 1
    assert count.asked == 1


async def test_an_old_value_is_never_given_where_the_next_is_found_at_once() -> None:
    kept, count = Kept[int](), Counting()
    assert await kept.fresh(0.0, count) == 1
    count.asked = 2
    assert await kept.fresh(660.0, count) == 3


async def test_an_old_value_is_given_while_the_next_is_looked_for_and_a_failure_is_tried_anew() -> None:
    kept, count = Kept[int](patience=0.01), Counting()
    assert await kept.fresh(0.0, count) == 1
    assert await kept.fresh(KEPT_SECONDS - 1, count) == 1
    assert count.asked == 1
    count.go.clear()
    assert await kept.fresh(KEPT_SECONDS, count) == 1
    count.go.set()
    await settled(kept)  # the second search fails
    assert await kept.fresh(KEPT_SECONDS + 1, count) == 3
