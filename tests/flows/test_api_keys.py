"""API keys: shown once, stored as a digest, known again, and forgotten in time."""

import re

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.api_keys import ApiKey, Right, Scope
from vestibule.core.errors import Unavailable
from vestibule.core.ports import Store
from vestibule.flows import api_keys, clients
from vestibule.flows.api_keys import TRUSTED_SECONDS, USED_EVERY, KnownKeys
from vestibule.flows.refused import Missing, Refused

HERE = "192.0.2.7"


def known(office: Office) -> KnownKeys:
    return KnownKeys(office.store, office.clock, office.clock, office.desk.mac)


async def made(office: Office, name: str = "shop", **more: object) -> str:
    wanted = more or {"rights": ["users:read"]}
    told = await api_keys.add(office.desk, ACTOR, name=name, **wanted)  # type: ignore[arg-type]
    return str(told["secret"])


async def test_a_key_has_256_bits_and_a_public_id(office: Office) -> None:
    keys = [await made(office, f"key {i}") for i in range(20)]
    assert all(re.fullmatch(r"vestibule_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", key) for key in keys)
    assert len({key.split("_", 2)[2] for key in keys}) == 20


@pytest.mark.requirement(47)
async def test_only_its_digest_is_kept(office: Office) -> None:
    key = await made(office)
    secret = key.split("_", 2)[2]
    (stored,) = await office.store.read(lambda reading: reading.page(ApiKey, "", 9))
    assert secret not in repr(stored) + stored.digest + repr(await office.lines())
    assert stored.digest not in repr(stored)
    told = await api_keys.listed(office.desk, ACTOR)
    assert secret not in repr(told)
    assert stored.digest not in repr(told)


async def test_a_key_is_listed_with_what_it_may_do(office: Office) -> None:
    await clients.add(office.desk, ACTOR, name="web")
    await made(office, "b", client="web", expires="2027-01-20")
    await made(office, "a", rights=["users:write", "users:read", "users:read"])
    first, second = (await api_keys.listed(office.desk, "uid 1"))["keys"]
    assert (first["name"], first["scope"], first["rights"]) == ("a", "manage", ["users:read", "users:write"])
    assert (first["client"], first["expires_at"], first["created_by"]) == (None, None, ACTOR)
    assert (second["name"], second["scope"], second["client"]) == ("b", "verify", "web")
    assert second["expires_at"] == 1_800_489_600.0


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("client", {}),
        ("client", {"client": "web", "rights": ["users:read"]}),
        ("client", {"client": "nobody"}),
        ("rights", {"rights": ["users:delete"]}),
        ("expires", {"rights": ["users:read"], "expires": "tomorrow"}),
        ("expires", {"rights": ["users:read"], "expires": "2027-01-14"}),
        ("name", {"rights": ["users:read"], "name": "taken"}),
        ("name", {"rights": ["users:read"], "name": " "}),
    ],
)
async def test_what_makes_no_key_is_refused(office: Office, field: str, wanted: dict[str, object]) -> None:
    await made(office, "taken")
    await clients.add(office.desk, ACTOR, name="web")
    before = await office.actions()
    with pytest.raises(Refused) as refused:
        await api_keys.add(office.desk, ACTOR, **{"name": "key", **wanted})  # type: ignore[arg-type]
    assert refused.value.fields == (field,)
    assert await office.actions() == before


async def test_a_key_is_known_again_and_no_other_is(office: Office) -> None:
    key, other = await made(office, "one"), await made(office, "other")
    found = await known(office).recognise(key, HERE)
    assert found
    assert (found.name, found.actor, found.scope, found.rights) == ("one", "key one", Scope.MANAGE, (Right.USERS_READ,))
    id, secret = key.split("_", 2)[1:]
    for wrong in (
        "",
        key[:-1],
        f"{key}A",
        key.replace("vestibule", "Vestibule"),
        f"vestibule_{other.split('_')[1]}_{secret}",
        f"vestibule_{'0' * 16}_{secret}",
        f"vestibule_{id}_{'A' * 43}",
        f" {key}",
        f"{key}\n",
    ):
        assert await known(office).recognise(wrong, HERE) is None


async def test_a_key_ends_with_its_day(office: Office) -> None:
    keys, key = known(office), await made(office, rights=["users:read"], expires="2027-01-15")
    assert await keys.recognise(key, HERE)
    office.clock.at = NOON + 57_600.0 - 1.0
    assert await keys.recognise(key, HERE)
    office.clock.at += 1.0
    assert await keys.recognise(key, HERE) is None


@pytest.mark.parametrize("by", ["id", "name"])
async def test_a_key_that_is_removed_opens_nothing(office: Office, by: str) -> None:
    keys, key = known(office), await made(office)
    assert await keys.recognise(key, HERE)
    await api_keys.remove(office.desk, ACTOR, id=key.split("_")[1] if by == "id" else "shop")
    assert await keys.recognise(key, HERE) is None
    assert (await api_keys.listed(office.desk, ACTOR))["keys"] == []
    with pytest.raises(Missing):
        await api_keys.remove(office.desk, ACTOR, id="shop")


async def test_a_key_that_verifies_is_trusted_for_a_second(office: Office) -> None:
    await clients.add(office.desk, ACTOR, name="web")
    keys, key = known(office), await made(office, client="web")
    assert await keys.recognise(key, HERE)
    await api_keys.remove(office.desk, ACTOR, id="shop")
    assert await keys.recognise(key[:-1] + ("A" if key[-1] != "A" else "B"), HERE) is None
    assert await keys.recognise(key, HERE)
    office.clock.at += TRUSTED_SECONDS
    assert await keys.recognise(key, HERE) is None


async def test_its_use_is_noted_to_the_hour(office: Office) -> None:
    keys, key = known(office), await made(office)
    for seconds in (0.0, 1.0, USED_EVERY - 2.0):
        office.clock.at += seconds
        await keys.recognise(key, HERE)
    used = [entry for entry in await office.journal() if entry.action == "api_key.used"]
    assert [(entry.actor, entry.client_address) for entry in used] == [("key shop", HERE)]
    office.clock.at += 1.0
    await keys.recognise(key, HERE)
    assert (await office.actions()).count("api_key.used") == 2
    (told,) = (await api_keys.listed(office.desk, ACTOR))["keys"]
    assert told["used_at"] == NOON + USED_EVERY


async def test_a_client_stays_while_a_key_asks_as_it(office: Office) -> None:
    await clients.add(office.desk, ACTOR, name="web")
    await made(office, client="web")
    with pytest.raises(Refused, match="shop"):
        await clients.remove(office.desk, ACTOR, id="web")
    await api_keys.remove(office.desk, ACTOR, id="shop")
    await clients.remove(office.desk, ACTOR, id="web")


async def test_a_client_without_networks_has_no_secret(office: Office) -> None:
    told = await clients.add(office.desk, ACTOR, name="web", sign_in="code_only")
    assert (told["secret"], told["client"]["networks"], told["client"]["secrets"]) == (None, [], 0)


async def test_without_a_store_to_write_to_a_key_is_still_known(office: Office) -> None:
    key = await made(office)
    keys = KnownKeys(ReadOnly(office.store), office.clock, office.clock, office.desk.mac)  # type: ignore[arg-type]
    assert await keys.recognise(key, HERE)


class ReadOnly:
    """A store whose writer is away."""

    def __init__(self, store: Store) -> None:
        self.read = store.read

    async def change(self, _act: object) -> None:
        raise Unavailable("away")
