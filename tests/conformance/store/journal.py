"""The journal: chains that verify, that nothing can be taken out of unseen, and that forget persons, fields and age."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace

import pytest

from tests.conformance.store.opening import (
    EVERYTHING,
    FROM_THE_START,
    NOBODY,
    NODE,
    OpenStore,
    Poison,
    lines_of,
    noting,
    poisoned,
    settle,
    sign_in,
)
from tests.conformance.store.samples import EXACT, UNUSUAL
from vestibule.core.case import Step
from vestibule.core.errors import Unavailable
from vestibule.core.journal import OPTIONAL_FIELDS, PERSONAL_FIELDS, Entry, EntryKind, Line, Query, Tally
from vestibule.core.ports import ChainHead, Reading, Store, Writing
from vestibule.core.reasons import Reason, Result
from vestibule.stores.chain import first_fault

FULL = Entry(
    at=EXACT,
    kind=EntryKind.ADMINISTRATION,
    action=UNUSUAL,
    actor="root",
    user_id="user",
    user_name=UNUSUAL,
    full_name="Zoë Ω",
    email="zoe@example.org",
    phone="+1 555 0100",
    device="device",
    client_address="192.0.2.7",
    source="2001:db8::1/64",
    client_id="client",
    method="totp",
    accepted=False,
    reason=Reason.WRONG_CODE,
    result=Result.OATH_INCORRECT,
    rule="rule",
    attempt_id="attempt",
    credential_id="credential",
    detail={"text": UNUSUAL, "count": 2**40, "part": 0.1, "list": ["b", "a"], "none": None, "yes": True},
)


@dataclass(frozen=True)
class Kept:
    """One chain as it was read, and the head that is known from elsewhere."""

    lines: list[Line]
    head: ChainHead
    key: bytes

    def fault(self, lines: Iterable[Line] | None = None) -> str | None:
        """What an offline verifier says of these lines, or of those that were read."""
        found = list(self.lines if lines is None else lines)
        fault = first_fault(found, self.key, self.head.first_previous_mac, self.head.first_seq)
        newest = (found[-1].seq, found[-1].mac) if found else (self.head.first_seq - 1, self.head.first_previous_mac)
        if fault is None and newest != (self.head.seq, self.head.mac):
            return "the end was cut off"
        return fault


async def kept(store: Store, open_store: OpenStore) -> Kept:
    """The chain of this store, read in pages."""

    def read(reading: Reading) -> tuple[ChainHead, list[Line]]:
        head = next(head for head in reading.chains() if head.server_name == NODE)
        lines: list[Line] = []
        while page := reading.chain(head.chain, lines[-1].seq if lines else 0, 3):
            lines += page
        return head, lines

    head, lines = await store.read(read)
    return Kept(lines, head, open_store.chain_key(head.chain))


async def written(store: Store, open_store: OpenStore, count: int = 7) -> Kept:
    """A chain of so many lines, one second apart from 1.0 on, of two persons by turns."""
    await store.change(noting(*(replace(FULL, at=float(i), user_id=f"user {i % 2}") for i in range(1, count + 1))))
    return await kept(store, open_store)


async def until_none(store: Store, act: Callable[[Writing], int]) -> int:
    """Run the slice until it has nothing left to do; how much it did."""
    done = 0
    while more := await store.change(act):
        done += more
    return done


class Journalling:
    async def test_an_entry_comes_back_as_it_was_written(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(noting(FULL, sign_in(), replace(sign_in(), accepted=True)))
        await settle(store, NOBODY, lambda case: Step(case, entry=FULL))
        entries = [line.entry for line in (await kept(store, open_store)).lines]
        assert entries == [FULL, sign_in(), replace(sign_in(), accepted=True), FULL]

    async def test_the_sample_leaves_nothing_empty(self) -> None:
        assert all(getattr(FULL, field.name) not in (None, "", {}) for field in fields(FULL))

    @pytest.mark.requirement(48)
    async def test_a_line_is_there_before_the_answer_and_even_the_change_can_read_it(
        self, open_store: OpenStore
    ) -> None:
        store = await open_store()
        await settle(store, NOBODY, lambda case: Step(case, entry=sign_in(action="first")))
        assert [line.entry.action for line in await lines_of(store)] == ["first"]

        def act(writing: Writing) -> list[Line]:
            writing.note(sign_in(action="second"))
            return writing.lines(EVERYTHING, FROM_THE_START, 9)

        assert [line.entry.action for line in await store.change(act)] == ["first", "second"]

    async def test_a_chain_says_who_writes_it_and_verifies(self, open_store: OpenStore) -> None:
        store = await open_store()
        assert (await kept(store, open_store)).fault() is None
        chain = await written(store, open_store)
        assert chain.fault() is None
        assert [line.seq for line in chain.lines] == list(range(1, 8))
        assert {line.chain for line in chain.lines} == {chain.head.chain}
        assert len({line.salt for line in chain.lines}) == 7

    async def test_what_was_rolled_back_leaves_no_gap(self, open_store: OpenStore) -> None:
        store = await open_store()

        def act(writing: Writing) -> None:
            noting(sign_in(action="lost"), sign_in(action="lost"))(writing)
            raise Poison

        for _ in range(3):
            await store.change(noting(sign_in(action="kept")))
            with pytest.raises(Poison):
                await store.change(act)
            with pytest.raises(Poison):
                await settle(store, NOBODY, poisoned)
            with pytest.raises((TypeError, Unavailable)):
                await store.change(noting(sign_in(action="lost"), replace(sign_in(), detail={"not JSON": object()})))
            await settle(store, NOBODY, lambda case: Step(case, entry=sign_in(action="kept")))
        chain = await kept(store, open_store)
        assert [line.entry.action for line in chain.lines] == ["kept"] * 6
        assert chain.fault() is None

    # -- what a verifier finds ----------------------------------------------------------------------------------

    @pytest.mark.requirement(49)
    @pytest.mark.parametrize("name", [field.name for field in fields(Entry)])
    async def test_a_change_of_any_field_is_found(self, open_store: OpenStore, name: str) -> None:
        chain = await written(await open_store(), open_store)
        lines = list(chain.lines)
        changed = {field.name: getattr(Entry(0.5, EntryKind.SYSTEM, "other"), field.name) for field in fields(Entry)}
        lines[3] = replace(lines[3], entry=replace(lines[3].entry, **{name: changed[name]}))
        assert "line 4" in (chain.fault(lines) or "")

    @pytest.mark.requirement(49)
    @pytest.mark.parametrize("name", ["seq", "chain", "personal_digest", "mac"])
    async def test_a_change_of_any_link_is_found(self, open_store: OpenStore, name: str) -> None:
        chain = await written(await open_store(), open_store)
        other = replace(chain.lines[5], chain="other")
        lines = list(chain.lines)
        lines[3] = replace(lines[3], **{name: getattr(other, name)})
        assert chain.fault(lines)

    @pytest.mark.requirement(49)
    @pytest.mark.parametrize("place", range(7))
    async def test_a_removed_line_is_found(self, open_store: OpenStore, place: int) -> None:
        chain = await written(await open_store(), open_store)
        assert chain.fault(chain.lines[:place] + chain.lines[place + 1 :])

    @pytest.mark.requirement(49)
    async def test_reordered_repeated_and_cut_off_lines_are_found(self, open_store: OpenStore) -> None:
        chain = await written(await open_store(), open_store)
        first, second, *rest = chain.lines
        assert chain.fault([second, first, *rest])
        assert chain.fault([first, first, second, *rest])
        assert chain.fault([first]) == "the end was cut off"
        assert chain.fault([]) == "the end was cut off"

    @pytest.mark.requirement(49)
    async def test_another_key_verifies_nothing(self, open_store: OpenStore) -> None:
        chain = await written(await open_store(), open_store)
        assert replace(chain, key=bytes(32)).fault()

    # -- questions ----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (Query(), "abcdef"),
            (Query(user_id="zoe"), "ae"),
            (Query(since=3.0), "cdef"),
            (Query(until=3.0), "ab"),
            (Query(since=2.0, until=4.0), "bcde"),
            (Query(kind=EntryKind.ADMINISTRATION), "c"),
            (Query(reason=Reason.BLOCKED), "e"),
            (Query(accepted=True), "ab"),
            (Query(accepted=False), "de"),
            (Query(user_id="zoe", accepted=False, since=3.5, until=9.0), "e"),
            (Query(user_id="nobody"), ""),
            (Query(actions=("c",)), "c"),
            (Query(actions=("a", "e", "other")), "ae"),
            (Query(actions=("a", "e"), since=2.0, accepted=False), "e"),
        ],
    )
    @pytest.mark.parametrize("limit", [1, 2, 99])
    async def test_a_query_finds_its_lines_in_order_page_by_page(
        self, open_store: OpenStore, query: Query, found: str, limit: int
    ) -> None:
        store = await open_store()
        plain = Entry(0.0, EntryKind.SIGN_IN, "")
        entries = [  # not in order of time
            replace(plain, at=3.0, action="c", kind=EntryKind.ADMINISTRATION),
            replace(plain, at=1.0, action="a", user_id="zoe", accepted=True),
            replace(plain, at=2.0, action="b", user_id="max", accepted=True),
            replace(plain, at=3.5, action="d", user_id="max", accepted=False, reason=Reason.WRONG_CODE),
            replace(plain, at=3.5, action="e", user_id="zoe", accepted=False, reason=Reason.BLOCKED),
            replace(plain, at=4.5, action="f", kind=EntryKind.SYSTEM),
        ]
        await store.change(noting(*entries))

        def walk(reading: Reading) -> str:
            text, after = "", FROM_THE_START
            while page := reading.lines(query, after, limit):
                assert len(page) <= limit
                text += "".join(line.entry.action for line in page)
                after = (page[-1].entry.at, page[-1].chain, page[-1].seq)
            return text

        assert await store.read(walk) == found

    async def test_a_chain_that_is_not_there_has_no_lines(self, open_store: OpenStore) -> None:
        store = await open_store()
        await written(store, open_store)
        assert await store.read(lambda reading: reading.chain("nobody's", 0, 9)) == []

    async def test_sign_ins_are_tallied_by_how_they_ended(self, open_store: OpenStore) -> None:
        store = await open_store()
        right = Entry(1.0, EntryKind.SIGN_IN, "sign_in", client_id="vpn", method="totp", accepted=True)
        wrong = replace(right, accepted=False, reason=Reason.WRONG_CODE)
        elsewhere = replace(right, client_id="mail")
        outside = [replace(right, at=0.9), replace(right, at=3.0), replace(right, kind=EntryKind.ADMINISTRATION)]
        await store.change(noting(right, replace(right, at=2.9), wrong, elsewhere, replace(wrong, method=""), *outside))
        found = await store.read(lambda reading: reading.tallies(1.0, 3.0))
        assert len(found) == 4
        assert set(found) == {
            Tally(True, None, "totp", "vpn", 2),
            Tally(True, None, "totp", "mail", 1),
            Tally(False, Reason.WRONG_CODE, "totp", "vpn", 1),
            Tally(False, Reason.WRONG_CODE, "", "vpn", 1),
        }
        assert await store.read(lambda reading: reading.tallies(3.5, 9.0)) == []

    # -- forgetting ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("limit", [1, 2, 99])
    async def test_what_is_left_after_pruning_verifies(self, open_store: OpenStore, limit: int) -> None:
        store = await open_store()
        before = await written(store, open_store)
        assert await until_none(store, lambda writing: writing.prune_journal(4.0, limit)) == 3
        after = await kept(store, open_store)
        assert after.lines == before.lines[3:]
        assert (after.head.first_seq, after.head.first_previous_mac) == (4, before.lines[2].mac)
        assert after.fault() is None
        assert (await written(store, open_store)).fault() is None

    async def test_one_slice_of_pruning_keeps_to_its_limit(self, open_store: OpenStore) -> None:
        store = await open_store()
        await written(store, open_store)
        assert await store.change(lambda writing: writing.prune_journal(99.0, 2)) == 2
        assert [line.seq for line in await lines_of(store)] == [3, 4, 5, 6, 7]

    async def test_a_journal_that_was_pruned_whole_goes_on(self, open_store: OpenStore) -> None:
        store = await open_store()
        before = await written(store, open_store)
        assert await until_none(store, lambda writing: writing.prune_journal(99.0, 99)) == 7
        empty = await kept(store, open_store)
        assert (empty.lines, empty.head.seq, empty.head.mac) == ([], 7, before.head.mac)
        after = await written(store, open_store, 1)
        assert [line.seq for line in after.lines] == [8]
        assert after.fault() is None

    @pytest.mark.parametrize("limit", [1, 2, 99])
    async def test_a_clock_that_was_set_back_neither_stops_pruning_nor_lets_it_take_too_much(
        self, open_store: OpenStore, limit: int
    ) -> None:
        store = await open_store()
        await store.change(noting(*(sign_in(at) for at in (20.0, 10.0, 15.0, 30.0, 5.0))))
        assert await until_none(store, lambda writing: writing.prune_journal(25.0, limit)) == 3
        chain = await kept(store, open_store)
        assert [line.entry.at for line in chain.lines] == [30.0, 5.0]
        assert chain.fault() is None

    async def test_an_erased_person_leaves_the_chain_valid_and_nothing_to_guess_by(self, open_store: OpenStore) -> None:
        store = await open_store()
        before = await written(store, open_store)
        assert await store.change(lambda writing: writing.erase("user 1", 3)) == 3
        assert await until_none(store, lambda writing: writing.erase("user 1", 3)) == 1
        after = await kept(store, open_store)
        assert after.fault() is None
        for old, new in zip(before.lines, after.lines, strict=True):
            if old.entry.user_id == "user 1":
                nameless = replace(old.entry, **dict.fromkeys(PERSONAL_FIELDS, ""))  # type: ignore[arg-type]  # texts
                assert new == replace(old, entry=nameless, salt="", erased=True)
            else:
                assert new == old

    @pytest.mark.parametrize("name", OPTIONAL_FIELDS)
    async def test_a_field_that_is_not_kept_is_neither_stored_nor_shown(self, open_store: OpenStore, name: str) -> None:
        store = await open_store()
        shown = [field for field in OPTIONAL_FIELDS if field != name]
        await store.change(lambda writing: writing.set("journal_fields", f"{shown}".replace("'", '"')))
        await store.change(noting(FULL))
        await settle(store, NOBODY, lambda case: Step(case, entry=FULL))
        chain = await kept(store, open_store)
        assert [line.entry for line in chain.lines] == [replace(FULL, **{name: ""})] * 2  # type: ignore[arg-type]  # texts
        assert chain.fault() is None
