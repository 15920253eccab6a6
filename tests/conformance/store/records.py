"""Records go in and come out as they were, a change is done whole or not at all, and long lists come in pages."""

from dataclasses import MISSING, fields, replace
from operator import attrgetter
from typing import Any, get_args

import pytest

from tests.conformance.store.opening import AnyKind, OpenStore, Poison, all_of, kind_of, putting
from tests.conformance.store.samples import FULL, PLAIN, another, key_of
from vestibule.core.api_keys import ApiKey
from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential, Seed
from vestibule.core.delivery import Medium
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Conflict, Reading, Record, Writing, pages
from vestibule.core.sends import Send
from vestibule.core.users import User

SEND = Send("1", "", "", "", "", "", Medium.TEXT)


def _with(send: Send, name: str, value: str) -> Send:
    changes: dict[str, Any] = {name: value}
    return replace(send, **changes)


INDEXED: list[tuple[str, str, Record, Record]] = [
    ("key", "zoe", User("1", "Zoe", "zoe"), User("2", "Zoe", "zoé")),
    ("email", "z@example.org", User("1", "a", "a", email="z@example.org"), User("2", "b", "b")),
    ("user_id", "7", Credential("1", "totp", "7"), Credential("2", "totp")),
    ("serial", "A1", Credential("1", "totp", serial="A1"), Credential("2", "totp", serial="a1")),
    ("seed_id", "s", Credential("1", "totp", seed_id="s"), Credential("2", "totp", seed_id="t")),
    ("user_id", "7", Failures("7", FailureKind.FACTOR, "a"), Failures("8", FailureKind.FACTOR, "a")),
    (
        "user_id",
        "7",
        Attempt("1", "c", "7", "", "", "", "", 0.0, 0.0),
        Attempt("2", "c", "8", "", "", "", "", 0.0, 0.0),
    ),
    (
        "leased_by",
        "mfa1",
        OutboxRow("1", Message("1", "test", "", "", "", 0.0), "mfa1", 0.0),
        OutboxRow("2", Message("2", "test", "", "", "", 0.0), "mfa2", 0.0),
    ),
    *[
        (name, "7", _with(SEND, name, "7"), _with(replace(SEND, id="2"), name, "8"))
        for name in ("message_id", "attempt_id", "user_id", "reference")
    ],
    ("client_id", "vpn", ApiKey("1", "a", "digest", "vpn"), ApiKey("2", "b", "digest", "web")),
]
NAMES = ("a", "B", "ä", "z", "😀", "1", "Z", "_", "漢", "~")  # databases must agree on the order of code points
RECORDS = list(enumerate([*FULL, *PLAIN], start=1))
a_record = pytest.mark.parametrize("record", FULL, ids=lambda record: type(record).__name__)


class Recording:
    async def test_the_samples_leave_nothing_at_its_default(self) -> None:
        assert {type(record) for record in FULL} == set(get_args(Record))
        for record in FULL:
            for field in fields(record):
                assert field.default is MISSING or getattr(record, field.name) != field.default, field.name

    @pytest.mark.parametrize("record", [*FULL, *PLAIN], ids=[f"{i} {type(one).__name__}" for i, one in RECORDS])
    async def test_a_record_comes_back_as_it_was_put(self, open_store: OpenStore, record: Record) -> None:
        store, kind = await open_store(), kind_of(record)
        await store.change(putting(record))
        assert await store.read(lambda reading: reading.get(kind, key_of(record))) == record
        assert await store.change(lambda writing: writing.get(kind, key_of(record))) == record
        assert await all_of(store, kind) == [record]

    async def test_a_record_that_is_put_again_is_replaced(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*PLAIN))
        await store.change(putting(*FULL))
        for record in FULL:
            assert record in await all_of(store, kind_of(record))
        assert await store.read(lambda reading: reading.count(User)) == 1

    @a_record
    async def test_what_was_removed_is_gone_and_may_be_removed_again(
        self, open_store: OpenStore, record: Record
    ) -> None:
        store, kind, other = await open_store(), kind_of(record), another(record, "other")
        await store.change(putting(record, other))
        for _ in range(2):
            await store.change(lambda writing: writing.remove(kind, key_of(record)))
            assert await store.read(lambda reading: reading.get(kind, key_of(record))) is None
            assert await all_of(store, kind) == [other]

    @a_record
    async def test_pages_come_in_order_of_id_and_miss_nothing(self, open_store: OpenStore, record: Record) -> None:
        store, kind = await open_store(), kind_of(record)
        records = [another(record, name) for name in NAMES]
        await store.change(putting(*records))

        def walk(reading: Reading) -> list[list[Record]]:
            return [list(page) for page in pages(lambda after: reading.page(kind, after, 4), key_of)]

        found = await store.read(walk)
        assert [one for page in found for one in page] == sorted(records, key=key_of)
        assert [len(page) for page in found] == [4, 4, 2]
        assert await store.read(lambda reading: reading.count(kind)) == len(NAMES)

    @pytest.mark.parametrize(
        ("field", "value", "wanted", "other"), INDEXED, ids=[f"{type(row[2]).__name__}.{row[0]}" for row in INDEXED]
    )
    async def test_indexed_fields_find_exactly_what_equals(
        self, open_store: OpenStore, field: str, value: str, wanted: Record, other: Record
    ) -> None:
        store, kind = await open_store(), kind_of(wanted)
        await store.change(putting(wanted, other))
        assert await store.read(lambda reading: reading.find(kind, field, value)) == [wanted]
        assert await store.read(lambda reading: reading.find(kind, field, "neither")) == []

    async def test_finds_come_in_order_of_id(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*(Credential(name, "totp", "user") for name in NAMES)))
        found = await store.read(lambda reading: reading.find(Credential, "user_id", "user"))
        assert [one.id for one in found] == sorted(NAMES)

    @pytest.mark.parametrize(("kind", "field"), [(User, "phone"), (User, "id; --"), (Seed, "secret"), (User, "")])
    async def test_other_fields_find_nothing_but_an_error(
        self, open_store: OpenStore, kind: AnyKind, field: str
    ) -> None:
        store = await open_store()
        with pytest.raises(ValueError, match=r"."):
            await store.read(lambda reading: reading.find(kind, field, "x"))

    @pytest.mark.parametrize(("kind", "field"), [(User, "key"), (Credential, "serial")], ids=["key", "serial"])
    async def test_pages_by_a_unique_field_come_in_its_order(
        self, open_store: OpenStore, kind: AnyKind, field: str
    ) -> None:
        store = await open_store()
        users = [User(f"id {i}", name, name) for i, name in enumerate(NAMES)]
        tokens = [Credential(f"id {i}", "totp", serial=name) for i, name in enumerate(NAMES)]
        await store.change(putting(*users, *tokens, Credential("none", "totp")))

        def walk(reading: Reading) -> list[str]:
            found = pages(lambda after: reading.page_by(kind, field, after, 4), attrgetter(field))
            return [getattr(one, field) for page in found for one in page]

        assert await store.read(walk) == sorted(NAMES)

    @pytest.mark.parametrize(("kind", "field"), [(User, "email"), (Credential, "user_id"), (Seed, "id"), (User, "x")])
    async def test_pages_by_another_field_are_nothing_but_an_error(
        self, open_store: OpenStore, kind: AnyKind, field: str
    ) -> None:
        store = await open_store()
        with pytest.raises(ValueError, match=r"."):
            await store.read(lambda reading: reading.page_by(kind, field, "", 1))

    async def test_expired_attempts_come_oldest_first(self, open_store: OpenStore) -> None:
        store = await open_store()
        times = {"a": 30.0, "b": 10.0, "c": 20.0, "d": 99.0}
        await store.change(putting(*(Attempt(i, "c", "", "", "", "", "", 0.0, at) for i, at in times.items())))
        found = await store.read(lambda reading: reading.expired_attempts(50.0, 2))
        assert [attempt.id for attempt in found] == ["b", "c"]
        found = await store.read(lambda reading: reading.expired_attempts(50.0, 9))
        assert [attempt.id for attempt in found] == ["b", "c", "a"]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (User("1", "Zoe", "zoe"), User("2", "ZOE", "zoe")),
            (Credential("1", "totp", serial="A1"), Credential("2", "hotp", serial="A1")),
        ],
        ids=["name", "serial"],
    )
    async def test_a_unique_value_is_given_once(self, open_store: OpenStore, first: Record, second: Record) -> None:
        store, kind = await open_store(), kind_of(first)
        await store.change(putting(first))
        with pytest.raises(Conflict) as conflict:
            await store.change(putting(another(second, "free"), second))
        assert await all_of(store, kind) == [first]
        assert not {"zoe", "A1", "1"} & set(str(conflict.value).split())
        await store.change(putting(first))
        await store.change(lambda writing: writing.remove(kind, key_of(first)))
        await store.change(putting(second))

    async def test_many_credentials_may_have_no_serial(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(Credential("1", "totp"), Credential("2", "totp")))
        assert await store.read(lambda reading: reading.count(Credential)) == 2

    async def test_records_are_counted_by_what_they_are_found_by(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*(Credential(str(n), "totp", seed_id="s" * (n % 3 > 0)) for n in range(7))))

        def counts(reading: Reading) -> list[int]:
            return [reading.count_by(Credential, "seed_id", seed_id) for seed_id in ("s", "", "t")]

        assert await store.read(counts) == [4, 3, 0]
        with pytest.raises(ValueError, match="label"):
            await store.read(lambda reading: reading.count_by(Credential, "label", ""))

    async def test_a_change_sees_what_it_has_done_and_gives_back_what_it_returns(self, open_store: OpenStore) -> None:
        store = await open_store()

        def act(writing: Writing) -> int:
            writing.put(User("1", "a", "a"))
            writing.put(User("2", "b", "b"))
            writing.remove(User, "1")
            return writing.count(User)

        assert await store.change(act) == 1

    async def test_a_change_that_fails_leaves_nothing_behind(self, open_store: OpenStore) -> None:
        store = await open_store()
        kept = User("kept", "kept", "kept")
        await store.change(putting(kept))

        def act(writing: Writing) -> None:
            putting(*FULL)(writing)
            writing.remove(User, "kept")
            raise Poison

        with pytest.raises(Poison):
            await store.change(act)
        for record in FULL:
            expected = [kept] if isinstance(record, User) else []
            assert await all_of(store, kind_of(record)) == expected
