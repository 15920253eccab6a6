"""Token files come in row by row: good rows go in, bad ones are handed back, a second time changes nothing."""

import base64
from typing import Any

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.credentials import Credential, Seed
from vestibule.flows import token_import, tokens, users
from vestibule.flows.refused import Refused

HEADER = "upn,serial number,secret key,time interval,manufacturer,model\r\n"
SHORT = "GEZDGNBVGY3TQOJQ"


def key(number: int) -> bytes:
    return number.to_bytes(20, "big")


def base32(number: int) -> str:
    return base64.b32encode(key(number)).decode()


def rows(count: int) -> str:
    return "".join(f"S{i},{base32(i)},30\n" for i in range(count))


async def bring_in(office: Office, content: str, **more: object) -> dict[str, Any]:
    return await token_import.bring_in(office.desk, ACTOR, content=content.encode(), file_name="tokens.csv", **more)  # type: ignore[arg-type]


def problems(report: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(one["line"], one["column"], one["field"]) for one in report["problems"]]


async def test_three_columns_fill_the_inventory_and_a_second_time_changes_nothing(office: Office) -> None:
    seen: list[tuple[int, int | None]] = []
    report = await bring_in(office, rows(250), progress=lambda done, total: seen.append((done, total)))
    assert report == {
        "file_name": "tokens.csv",
        "dry_run": False,
        "created": 250,
        "changed": 0,
        "unchanged": 0,
        "problems": [],
        "failures": "",
        "format": "mfa-server-csv",
        "title": "CSV with three columns, as MFA Server took it",
        "assigned": 0,
        "waived": [],
        "expired": [],
        "numbered": [],
        "unowned": [],
        "notes": [],
    }
    assert seen == [(100, 250), (200, 250), (250, 250)]
    before = await office.lines()
    again = await bring_in(office, "serial,secret,interval\n" + rows(250).lower().replace("s", "S"))
    assert (again["created"], again["unchanged"], again["problems"]) == (0, 250, [])
    assert await office.lines() == before
    (one,) = await office.store.read(lambda reading: reading.find(Credential, "serial", "S7"))
    assert (one.user_id, one.state, one.created_at) == ("", "active", NOON)


async def test_six_columns_give_their_tokens_to_their_users_who_sign_in(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice@example.org")
    content = (
        HEADER
        + f"ALICE@example.org,A1,{base32(1)},60,Maker,M1\r\n,A2,{base32(2)},30,Maker,M2\r\n"
        + f"bob@example.org,A3,{base32(3)},30,Maker,M3\r\n"
        + f"alice@example.org,A4,{base32(4)[:-1]}!,30,Maker,M4\r\n"
        + f"alice@example.org,A5,{SHORT},30,Maker,M5\r\n"
    )
    report = await bring_in(office, content)
    assert (report["created"], problems(report)) == (
        2,
        [(4, 1, "upn"), (5, 3, "secret key"), (6, 3, "secret key")],
    )
    assert await office.sign_in("alice@example.org", office.code(key(1), period=60)) == "accept"
    shown = await tokens.show(office.desk, ACTOR, token="A1")
    assert (shown["token"]["manufacturer"], shown["token"]["model"], shown["token"]["period"]) == ("Maker", "M1", 60)
    assert (await office.actions())[:3] == ["user.add", "token.assign", "token.import"]
    assert (await office.journal())[2].detail == {"file": "tokens.csv", "created": 2, "changed": 0}


async def test_the_failures_file_is_taken_as_it_is_once_it_is_corrected(office: Office) -> None:
    content = (
        HEADER + f"bob,B1,{base32(1)},30,Maker,M1\r\n,B2,{base32(2)},45,Maker,M2\r\n,B3,{base32(3)},30,=cmd,M3\r\n"
    )
    report = await bring_in(office, content)
    assert report["created"] == 1
    lines = report["failures"].split("\r\n")
    assert lines[0] == "line,column,field,reason," + HEADER.strip()
    assert [line.split(",")[0] for line in lines[1:-1]] == ["2", "3"]
    await users.add(office.desk, ACTOR, name="bob")
    again = await bring_in(office, report["failures"].replace(",45,", ",60,"))
    assert (again["created"], again["problems"], again["failures"]) == (2, [], "")
    assert (await tokens.show(office.desk, ACTOR, token="B1"))["token"]["user"] == "bob"


async def test_a_failures_file_of_three_columns_keeps_its_three_columns(office: Office) -> None:
    await bring_in(office, f"A1,{base32(1)},30\n")
    report = await bring_in(office, f"A1,{base32(9)},30\nA2,{SHORT},30\nA3,{base32(3)},7\n")
    assert problems(report) == [(1, 1, "serial number"), (2, 2, "secret key"), (3, 3, "time interval")]
    assert report["failures"].startswith("line,column,field,reason,serial number,secret key,time interval\r\n1,1,")
    again = await bring_in(office, report["failures"].replace(",7\r", ",30\r").replace(base32(9), base32(1)))
    assert (again["created"], again["unchanged"], problems(again)) == (1, 1, [(3, 6, "secret key")])


async def test_a_dry_run_says_the_same_and_changes_nothing(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    await bring_in(office, f"A1,{base32(1)},30\n")
    content = HEADER + f"alice,A1,{base32(1)},30,,\r\nalice,A2,{base32(2)},30,,\r\nnobody,A3,{base32(3)},30,,\r\n"
    before = await office.lines()
    dry = await bring_in(office, content, dry_run=True)
    assert (dry["created"], dry["changed"], problems(dry)) == (1, 1, [(4, 1, "upn")])
    assert await office.lines() == before
    assert await office.store.read(lambda reading: reading.count(Credential)) == 1
    wet = await bring_in(office, content)
    assert wet | {"dry_run": True} == dry


async def test_a_known_token_finds_its_user_but_is_taken_from_nobody(office: Office) -> None:
    for name in ("alice", "bob"):
        await users.add(office.desk, ACTOR, name=name)
    await bring_in(office, f"A1,{base32(1)},30\n")
    assert (await bring_in(office, HEADER + f"alice,A1,{base32(1)},30,,\r\n"))["changed"] == 1
    assert (await bring_in(office, HEADER + f"alice,A1,{base32(1)},30,,\r\n"))["unchanged"] == 1
    assert (await bring_in(office, HEADER + f",A1,{base32(1)},30,,\r\n"))["unchanged"] == 1
    report = await bring_in(office, HEADER + f"bob,A1,{base32(1)},30,,\r\n")
    assert problems(report) == [(2, 1, "upn")]
    assert (await tokens.show(office.desk, ACTOR, token="A1"))["token"]["user"] == "alice"


async def test_tokens_may_wait_for_their_first_code(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    await bring_in(office, HEADER + f"alice,A1,{base32(1)},30,,\r\n", pending=True)
    assert await office.sign_in("alice", office.code(key(1))) == "not_enrolled"
    await tokens.activate(office.desk, ACTOR, token="A1", code=office.code(key(1)))
    office.clock.at += 30
    assert await office.sign_in("alice", office.code(key(1))) == "accept"


@pytest.mark.requirement(1)
async def test_short_keys_come_in_with_a_dated_waiver_only_and_are_listed(office: Office) -> None:
    content = f"A1,{SHORT},30\nA2,{base32(2)},30\n"
    report = await bring_in(office, content)
    assert (report["created"], problems(report), report["waived"]) == (1, [(1, 2, "secret key")], [])
    assert "80 bits" in report["problems"][0]["reason"]
    report = await bring_in(office, content, waiver_until="2027-06-30")
    assert (report["created"], report["problems"]) == (1, [])
    assert report["waived"] == [{"line": 1, "serial": "A1", "bits": 80}]
    assert (await bring_in(office, content, waiver_until="2027-06-30"))["unchanged"] == 2
    assert (await bring_in(office, content))["unchanged"] == 2
    assert (await bring_in(office, content, waiver_until="2027-12-31"))["changed"] == 1
    shown = await tokens.show(office.desk, ACTOR, token="A1")
    assert shown["token"]["waiver_until"] == 1_830_211_200.0 + 86400
    with pytest.raises(Refused):
        await bring_in(office, content, waiver_until="2026-12-31")


@pytest.mark.requirement(4)
async def test_a_second_import_of_a_key_does_not_make_a_spent_code_new(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    await bring_in(office, HEADER + f"alice,A1,{base32(1)},30,,\r\n")
    code = office.code(key(1))
    assert await office.sign_in("alice", code) == "accept"
    await bring_in(office, HEADER + f"alice,A1,{base32(1)},30,,\r\nalice,A2,{base32(1)},30,,\r\n")
    assert await office.sign_in("alice", code) == "code_reused"
    assert await office.store.read(lambda reading: reading.count(Seed)) == 1


@pytest.mark.parametrize(
    "content", ["", "\n\n", "a,b\n", "colour,shape,size,weight\n", "upn,serial,key,time,by,model\n"]
)
async def test_a_file_of_no_known_form_is_refused_with_what_is_known(office: Office, content: str) -> None:
    with pytest.raises(Refused, match="can not be read") as refused:
        await bring_in(office, content)
    assert refused.value.fields == ("content",)


async def test_of_a_file_whose_reading_must_stop_nothing_goes_in(office: Office) -> None:
    with pytest.raises(Refused, match=r"can not be read\. line 4: longer than 65536 characters; is this a CSV file\?$"):
        await bring_in(office, rows(3) + '"' + "x" * 70_000)
    assert await office.store.read(lambda reading: reading.count(Credential)) == 0


async def test_no_key_is_in_the_report_or_the_journal_but_in_the_failures_file(office: Office) -> None:
    report = await bring_in(office, f"A1,{base32(1)},30\nA2,{base32(2)},31\n")
    assert base32(2) in report["failures"]
    rest = {name: value for name, value in report.items() if name != "failures"}
    said = str([rest, await office.lines()])
    assert base32(1) not in said
    assert base32(2) not in said
