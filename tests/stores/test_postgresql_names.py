"""Whose a name is, while another node has locked the person who has it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.conformance.store.opening import look, putting, soon
from tests.conformance.store.settling import EVERYTHING, OTHER, USER, ZOE, counting
from tests.stores.postgresql import Server, Template, laid_out, open_node
from vestibule.core.case import Case, Step
from vestibule.core.users import Alias
from vestibule.stores.sql import SqlStore

LOCK = "SELECT id FROM users WHERE key = 'zoe' FOR UPDATE"


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    server = Server.made()
    yield laid_out(server)
    server.remove()


@pytest.fixture
async def url(template: Template) -> str:
    return await template.copy()


@pytest.fixture
async def store(template: Template, url: str) -> AsyncIterator[SqlStore]:
    opened = await open_node(url, template.vault)
    yield opened
    await opened.close()


async def test_a_name_whose_own_person_is_busy_is_never_taken_for_another_name_of_somebody(
    store: SqlStore, url: str
) -> None:
    await store.change(putting(*EVERYTHING, Alias("zoe", OTHER.id)))
    seen: list[str] = []

    def decide(case: Case) -> Step:
        seen.append(case.user.id if case.user else "")
        return counting(case)

    other_node = await asyncpg.connect(url)
    try:
        transaction = other_node.transaction()
        await transaction.start()
        await other_node.execute(LOCK)
        settling = asyncio.create_task(store.settle(ZOE, "event", decide, soon()))
        assert (await look(store, ZOE.__class__(ZOE.kind, "max", "here"))).user == OTHER  # a later batch has passed
        await transaction.rollback()
        await settling
    finally:
        await other_node.close()
    assert seen == [USER.id]
