"""The PostgreSQL store passes the suite."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.conformance.store.opening import NODE
from tests.conformance.store_suite import StoreSuite
from tests.stores import postgresql
from vestibule.core.ports import Store


@dataclass
class OpenPostgresql:
    """Opens the one database of this test, again and again."""

    url: str
    template: postgresql.Template
    opened: list[Store] = field(default_factory=list)

    async def __call__(self, *, queue_limit: int = 10_000) -> Store:
        now = float(len(self.opened))
        store = await postgresql.open_node(self.url, self.template.vault, NODE, now=now, queue_limit=queue_limit)
        self.opened.append(store)
        return store

    def chain_key(self, chain: str) -> bytes:
        return self.template.vault.derive("journal", chain.encode()).reveal()


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def open_store(template: postgresql.Template) -> AsyncIterator[OpenPostgresql]:
    opening = OpenPostgresql(await template.copy(), template)
    yield opening
    for store in opening.opened:
        await store.close()


class TestPostgresqlStore(StoreSuite):
    """The whole contract."""
