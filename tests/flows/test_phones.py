"""Numbers, addresses and PINs: given by administrators, added and proven by people, and what is refused."""

import re
from dataclasses import replace

import pytest

from tests.conformance.store.opening import putting
from tests.flows.carriers import Live, carriers
from tests.flows.desks import ACTOR, NOON, Office, memory_office
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Medium
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import phone_of
from vestibule.core.pins import pin_of, right_pin
from vestibule.core.sends import Send
from vestibule.core.sent_codes import code_of, verifying
from vestibule.core.sessions import Session
from vestibule.core.users import Mfa, User
from vestibule.flows import own_phones, phones, pin_codes, users
from vestibule.flows.own_phones import Wanted
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sends_upkeep import forget
from vestibule.flows.sessions import Signed, Stage

NUMBER = "+1 425 555 0100"


@pytest.fixture
async def office() -> Office:
    opened = memory_office()
    mac = opened.desk.mac
    opened = replace(opened, desk=replace(opened.desk, code_mac=mac, providers=Live()))
    await users.add(opened.desk, ACTOR, name="anna")
    return opened


async def anna(office: Office) -> User:
    (found,) = await office.store.read(lambda reading: reading.find(User, "key", "anna"))
    return found


async def held(office: Office) -> list[Credential]:
    user = await anna(office)
    return await office.store.read(lambda reading: reading.find(Credential, "user_id", user.id))


async def outbox(office: Office) -> list[OutboxRow]:
    return await office.store.read(lambda reading: reading.page(OutboxRow, "", 99))


async def signed(office: Office) -> Signed:
    user = await anna(office)
    return Signed(
        Session("session", user.id, NOON, NOON, NOON, "totp", "192.0.2.1", "test"), user, Stage.FULL, fresh=True
    )


async def test_a_number_that_is_given_counts_at_once_and_is_shown_masked(office: Office) -> None:
    told = await phones.add(office.desk, ACTOR, user="anna", number=f"{NUMBER} x12,3", kind="office", uses=["call"])
    one = told["phone"]
    assert (one["to"], one["region"], one["uses"], one["extension"]) == ("…00", "US", ["call"], True)
    (kept,) = await held(office)
    assert (kept.reach, phone_of(kept).extension, phone_of(kept).vouched) == ("+14255550100", "12,3", True)
    assert (await anna(office)).mfa is Mfa.ENFORCED
    assert "4255550100" not in repr(await office.journal())
    assert "4255550100" not in repr(kept)


@pytest.mark.requirement(25)
@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("4255550100", "with its country"),
        ("nonsense", "with its country"),
        ("+1 425", "can exist"),
        ("+881 612345678", "no country"),
        ("+1 900 555 0123", "this kind"),
        ("+1 876 555 0100", "dear"),
        (f"{NUMBER} x12-3", "extension"),
        ("anna@", "address"),
    ],
)
async def test_what_can_never_be_reached_is_refused_in_words(office: Office, number: str, words: str) -> None:
    with pytest.raises(Refused, match=re.escape(words)):
        await phones.add(office.desk, ACTOR, user="anna", number=number)
    assert await held(office) == []


async def test_a_region_that_is_named_is_allowed(office: Office) -> None:
    await office.store.change(lambda writing: writing.set("sending.regions", '["JM"]'))
    told = await phones.add(office.desk, ACTOR, user="anna", number="+1 876 555 0100")
    assert told["phone"]["region"] == "JM"


async def test_nobody_has_a_number_twice_or_more_than_five(office: Office) -> None:
    for n in range(5):
        await phones.add(office.desk, ACTOR, user="anna", number=f"+1 425 555 010{n}")
    with pytest.raises(Refused, match="already"):
        await phones.add(office.desk, ACTOR, user="anna", number=NUMBER)
    with pytest.raises(Refused, match="more than 5"):
        await phones.add(office.desk, ACTOR, user="anna", number="anna@example.org")


@pytest.mark.requirement(14)
async def test_a_number_that_is_changed_is_told_and_begins_anew(office: Office) -> None:
    await phones.add(office.desk, ACTOR, user="anna", number=NUMBER)
    office.clock.at += 100
    told = await phones.change(office.desk, ACTOR, user="anna", phone=NUMBER, number="+1 425 555 0111")
    assert (told["changed"], told["phone"]["to"], told["phone"]["proven_at"]) == (["number"], "…11", None)
    (row,) = await outbox(office)
    (earlier,) = [one for one in await held(office) if one.id == row.message.credential_id]
    assert (row.message.template, earlier.reach, earlier.state) == (
        "number_changed",
        "+14255550100",
        CredentialState.DISABLED,
    )
    listed = await phones.listed(office.desk, ACTOR, user="anna")
    assert [one["to"] for one in listed["phones"]] == ["…11"]
    assert await forget(office.store, office.clock.at + 700) == 1
    assert [one.reach for one in await held(office)] == ["+14255550111"]


async def test_a_number_is_found_by_what_it_is_called_and_removed(office: Office) -> None:
    await phones.add(office.desk, ACTOR, user="anna", number=NUMBER, label="mine")
    await phones.change(office.desk, ACTOR, user="anna", phone="mine", uses=["reply"], pin="yes")
    (kept,) = await held(office)
    assert (phone_of(kept).uses, phone_of(kept).pin) == (("reply",), True)
    assert await phones.remove(office.desk, ACTOR, user="anna", phone="mine") == {"removed": "…00"}
    with pytest.raises(Missing):
        await phones.remove(office.desk, ACTOR, user="anna", phone="mine")


async def test_who_is_erased_takes_what_was_sent_to_them_along(office: Office) -> None:
    user = await anna(office)
    sent = Send("1", "m", "", user.id, "c", "one", Medium.TEXT, prefix="+1425555")
    await office.store.change(putting(sent, replace(sent, id="2", user_id="b")))
    await users.remove(office.desk, ACTOR, name="anna", erase=True)
    left = await office.store.read(lambda reading: reading.page(Send, "", 9))
    assert [one.id for one in left] == ["2"]


# -- of one's own -----------------------------------------------------------------------------------------------------


async def begun(office: Office) -> tuple[str, str]:
    """A number of Anna's own, and the code that is on its way there."""
    await office.store.change(lambda writing: writing.set("sending.regions", '["US"]'))
    await carriers(office)
    begun = await own_phones.begin(office.desk, await signed(office), Wanted(NUMBER))
    (one,) = [one for one in await held(office) if one.id == begun["id"]]
    return one.id, code_of(office.desk.code_mac, one.id, verifying(one))


@pytest.mark.requirement(27)
async def test_a_number_of_ones_own_counts_after_its_code(office: Office) -> None:
    id, code = await begun(office)
    (row,) = await outbox(office)
    assert (row.message.credential_id, row.message.template, row.message.attempt_id) == (id, "verify", "")
    (one,) = await held(office)
    assert one.state is CredentialState.PENDING
    await own_phones.prove(office.desk, await signed(office), id=id, code=f" {code[:3]} {code[3:]}")
    (one,) = await held(office)
    assert (one.state, one.expires_at, phone_of(one).proven_at) == (CredentialState.ACTIVE, 0.0, office.clock.at)
    assert not phone_of(one).vouched


async def test_three_wrong_codes_end_it(office: Office) -> None:
    id, code = await begun(office)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(3):
        with pytest.raises(Refused, match="not right"):
            await own_phones.prove(office.desk, await signed(office), id=id, code=wrong)
    with pytest.raises(Refused, match="too many"):
        await own_phones.prove(office.desk, await signed(office), id=id, code=code)
    assert [one.state for one in await held(office)] == [CredentialState.PENDING]


async def test_a_number_that_is_not_proven_in_time_is_gone(office: Office) -> None:
    id, code = await begun(office)
    office.clock.at += 601
    with pytest.raises(Missing):
        await own_phones.prove(office.desk, await signed(office), id=id, code=code)


@pytest.mark.requirement(25)
async def test_a_number_of_ones_own_stays_within_the_regions(office: Office) -> None:
    with pytest.raises(Refused, match="this country"):
        await own_phones.begin(office.desk, await signed(office), Wanted(NUMBER))
    assert await outbox(office) == []


# -- PINs -------------------------------------------------------------------------------------------------------------


async def test_a_pin_is_drawn_shown_once_and_must_be_changed(office: Office) -> None:
    told = await pin_codes.set_for(office.desk, ACTOR, user="anna")
    kept = pin_of(await held(office))
    assert kept
    assert re.fullmatch(r"\d{4}", told["pin"])
    assert right_pin(office.desk.code_mac, kept, told["pin"])
    assert told["must_change"]
    assert told["pin"] not in repr(await office.journal())
    await pin_codes.remove(office.desk, ACTOR, user="anna")
    assert pin_of(await held(office)) is None


async def test_people_change_their_own_pin_by_the_old_one(office: Office) -> None:
    await pin_codes.set_for(office.desk, ACTOR, user="anna", pin="7302")
    with pytest.raises(Refused, match="not right"):
        await pin_codes.change_own(office.desk, await signed(office), old="7303", new="8406")
    for weak in ("1234", "7302"):
        with pytest.raises(Refused, match="Choose another"):
            await pin_codes.change_own(office.desk, await signed(office), old="7302", new=weak)
    await pin_codes.change_own(office.desk, await signed(office), old="7302", new="8406")
    kept = pin_of(await held(office))
    assert kept
    assert right_pin(office.desk.code_mac, kept, "8406")
