"""What is done to many people at once leaves an owner, and touches nobody who may do more."""

from dataclasses import replace

import pytest

from tests.flows.administrators import seat, somebody, told_of
from tests.flows.desks import ACTOR, Office
from tests.flows.test_sync import CORP, PEOPLE, counts, sync, user
from vestibule.core.directories import DirectoryRecord
from vestibule.core.secret import Secret
from vestibule.flows import roles, token_import, tokens, user_import
from vestibule.flows.refused import Refused
from vestibule.flows.sync_plan import Gone

SEED = "3132333435363738393031323334353637383930"
TOKEN_FILE = (
    "upn,serial number,secret key,time interval,manufacturer,model\n{},S1,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,30,A,B\n"
)


async def _with_directory(office: Office) -> None:
    await office.store.change(lambda writing: writing.put(DirectoryRecord("corp", "ldap", "{}", Secret(b""))))


@pytest.mark.parametrize("gone", [Gone.BLOCK, Gone.REMOVE])
async def test_a_directory_lets_the_last_owner_not_go(office: Office, gone: Gone) -> None:
    await _with_directory(office)
    await sync(office, *PEOPLE)
    await tokens.add(office.desk, ACTOR, user="p0", serial="p0")
    await roles.give(office.desk, ACTOR, name="p0", role="owner")
    manners = replace(CORP, gone=gone)
    report = await sync(office, PEOPLE[1], manners=manners)
    assert counts(report) == {"gone": 1, "unchanged": 1, "held_count": 1}
    assert report["held"] == ["p0"]
    assert "p0 is the last owner who can sign in" in report["notes"][-1]["what"]
    assert (await user(office, "p0")).block is None
    await somebody(office, "olga", "owner")
    assert counts(await sync(office, PEOPLE[1], manners=manners)) == {"gone": 1, "unchanged": 1}


async def test_a_directory_does_not_block_the_last_owner_whom_it_disables(office: Office) -> None:
    await _with_directory(office)
    await sync(office, *PEOPLE)
    await tokens.add(office.desk, ACTOR, user="p0", serial="p0")
    await roles.give(office.desk, ACTOR, name="p0", role="owner")
    disabled = [replace(one, enabled=False) for one in PEOPLE[:2]]
    report = await sync(office, *disabled, PEOPLE[2])
    assert (report["disabled"], report["held"]) == (1, ["p0"])
    assert (await user(office, "p0")).block is None
    assert (await user(office, "p1")).block is not None


async def test_an_import_changes_nobody_who_may_do_more_and_no_administrators_second_factor(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "adam", "administrator")
    await somebody(office, "anna", "administrator")
    desk, actor = await seat(office, "adam")
    content = "name,email,mfa\nolga,new@example.org,\nanna,new@example.org,off\nalice,new@example.org,\n"
    report = await user_import.bring_in(desk, actor, content=content, file_name="users.csv")
    assert report["created"] == 1
    assert [(one["line"], one["field"]) for one in report["problems"]] == [(2, "name"), (3, "name")]
    assert (await told_of(office, "olga"))["email"] == ""
    assert (await told_of(office, "anna"))["mfa"] != "off"


async def test_a_helpdesk_imports_nobody(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "hanna", "helpdesk")
    desk, actor = await seat(office, "hanna")
    with pytest.raises(Refused, match="This takes an administrator"):
        await user_import.bring_in(desk, actor, content="name\nalice\n", file_name="users.csv")


async def test_an_administrator_gives_no_owner_a_token_by_a_file(office: Office) -> None:
    await somebody(office, "olga", "owner")
    await somebody(office, "adam", "administrator")
    await somebody(office, "alice")
    desk, actor = await seat(office, "adam")

    async def imported(name: str) -> list[str]:
        content = TOKEN_FILE.format(name).encode()
        report = await token_import.bring_in(desk, actor, content=content, file_name="tokens.csv")
        return [str(one["reason"]) for one in report["problems"]]

    assert "may do more than you" in (await imported("olga"))[0]
    assert await imported("alice") == []
