"""Every form of token file comes in with all that it says, and what it does not say or nobody can take is told."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from tests.wire.token_file_vectors import FOLDER
from vestibule.core.credentials import Algorithm, Credential, Seed
from vestibule.core.oath import hotp
from vestibule.core.secret import Secret
from vestibule.flows import token_export, token_import, tokens, users
from vestibule.flows.refused import Refused
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.pskc.writer import Passphrase, SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow

PLAIN = b"12345678901234567890"
HEX, BASE32 = PLAIN.hex(), base64.b32encode(PLAIN).decode()
KEY = bytes(range(16))
DAY = 86400.0


async def bring_in(office: Office, content: bytes | str, **more: object) -> dict[str, Any]:
    octets = content.encode() if isinstance(content, str) else content
    return await token_import.bring_in(office.desk, ACTOR, content=octets, file_name="tokens", **more)  # type: ignore[arg-type]


async def refusal(office: Office, content: bytes | str, **more: object) -> Refused:
    with pytest.raises(Refused) as refused:
        await bring_in(office, content, **more)
    assert await office.store.read(lambda reading: (reading.count(Credential), reading.count(Seed))) == (0, 0)
    return refused.value


async def the(office: Office, serial: str) -> tuple[Credential, Seed]:
    def question(reading: Any) -> tuple[Credential, Seed]:  # noqa: ANN401 - a Reading
        [one] = reading.find(Credential, "serial", serial)
        return one, reading.get(Seed, one.seed_id)

    return await office.store.read(question)


async def person(office: Office, name: str) -> str:
    return str((await users.add(office.desk, ACTOR, name=name))["user"]["id"])


def row(serial: str, secret: bytes = PLAIN, **more: object) -> TokenRow:
    said: dict[str, Any] = {"upn": None, "period_seconds": 30, "method": OtpMethod.TOTP, **more}
    said["method"] = OtpMethod(said["method"])
    said["algorithm"] = Algorithm(said.get("algorithm", "sha1"))
    return TokenRow(line=0, serial=serial, secret=Secret(secret), **said)


def pskc(*rows: TokenRow, closing: SharedKey | Passphrase | None = None) -> bytes:
    return "".join(write_pskc(rows, closing, secrets.token_bytes)).encode()


async def test_pskc_carries_counter_drift_dates_hash_digits_and_owner(office: Office) -> None:
    alice = await person(office, "alice")
    timed = row("T1", period_seconds=60, upn="ALICE", algorithm="sha256", digits=8, drift=-3, manufacturer="Acme")
    counted = row("H1", PLAIN[::-1], method="hotp", counter=77, starts_at=NOON - DAY, expires_at=NOON + DAY)
    report = await bring_in(office, pskc(timed, counted))
    assert (report["created"], report["assigned"], report["format"]) == (2, 1, "pskc")
    one, seed = await the(office, "T1")
    assert (one.user_id, one.period, one.algorithm, one.digits, seed.drift) == (alice, 60, "sha256", 8, -3)
    one, seed = await the(office, "H1")
    assert (one.method, one.starts_at, one.expires_at, seed.counter) == ("hotp", NOON - DAY, NOON + DAY, 77)
    assert (await bring_in(office, pskc(timed, counted)))["unchanged"] == 2


@pytest.mark.parametrize("wrap", [bytes.hex, base64.b64encode, bytes], ids=["hexadecimal", "Base64", "octets"])
async def test_a_pre_shared_key_opens_however_it_is_written(office: Office, wrap: Callable[[bytes], Any]) -> None:
    written = wrap(KEY)
    key = written.encode() if isinstance(written, str) else written
    content = pskc(row("T1"), closing=SharedKey(Secret(KEY)))
    assert (await bring_in(office, content, key=key))["created"] == 1
    assert (await the(office, "T1"))[1].secret == Secret(PLAIN)


async def test_a_passphrase_opens(office: Office) -> None:
    content = pskc(row("T1"), closing=Passphrase(Secret.of("qwerty"), 10))
    assert (await bring_in(office, content, passphrase="qwerty"))["created"] == 1


async def test_what_opens_the_file_is_asked_for_by_name(office: Office) -> None:
    refused = await refusal(office, pskc(row("T1"), closing=SharedKey(Secret(KEY))))
    assert refused.fields == ("key",)
    assert "line 3: the file is encrypted with a pre-shared key" in refused.text
    assert (await refusal(office, pskc(row("T1"), closing=Passphrase(Secret.of("x"), 10)))).fields == ("passphrase",)
    assert (await refusal(office, pskc(row("T1")), key=b"12")).fields == ("key",)
    assert (await refusal(office, pskc(row("T1")), passphrase="")).fields == ("passphrase",)


async def test_of_a_file_that_was_changed_nothing_goes_in(office: Office) -> None:
    rows = [row(f"T{number}", bytes([number]) * 20) for number in range(250)]
    content = pskc(*rows, closing=SharedKey(Secret(KEY)))
    head, tail = content.rsplit(b"<ValueMAC>", 1)
    changed = head + b"<ValueMAC>" + (b"AAAA" + tail[4:])
    refused = await refusal(office, changed, key=KEY)
    assert "the file was changed" in refused.text
    assert refused.fields == ("content",)
    assert "not XML" in (await refusal(office, content[:-40], key=KEY)).text
    assert "changed" in (await refusal(office, content, key=KEY[::-1])).text
    assert await office.lines() == []


@pytest.mark.requirement(4)
async def test_a_second_import_never_turns_a_counter_back(office: Office) -> None:
    await person(office, "alice")
    content = pskc(row("H1", method="hotp", upn="alice"))
    await bring_in(office, content)
    assert await office.sign_in("alice", hotp(PLAIN, 3)) == "accept"
    assert (await bring_in(office, content))["unchanged"] == 1
    assert await office.sign_in("alice", hotp(PLAIN, 3)) == "code_reused"


async def test_an_expired_key_is_named_and_does_not_count(office: Office) -> None:
    await person(office, "alice")
    over = row("T1", upn="alice", expires_at=NOON)
    report = await bring_in(office, pskc(over))
    assert (report["created"], report["expired"]) == (1, [{"line": 5, "serial": "T1", "expires_at": NOON}])
    assert await office.sign_in("alice", office.code(PLAIN)) == "not_enrolled"
    shown = (await tokens.show(office.desk, ACTOR, token="T1"))["token"]
    assert (shown["usable"], shown["expires_at"], shown["starts_at"]) == (False, NOON, None)
    renewed = await bring_in(office, pskc(row("T1", upn="alice", expires_at=NOON + DAY)))
    assert (renewed["changed"], renewed["expired"]) == (1, [])
    assert await office.sign_in("alice", office.code(PLAIN)) == "accept"


async def test_a_key_counts_from_its_first_day(office: Office) -> None:
    await person(office, "alice")
    await bring_in(office, pskc(row("T1", upn="alice", starts_at=NOON + 60)))
    assert await office.sign_in("alice", office.code(PLAIN)) == "not_enrolled"
    office.clock.at += 60
    assert await office.sign_in("alice", office.code(PLAIN)) == "accept"


async def test_an_owner_whom_nobody_knows_is_told_and_found_later(office: Office) -> None:
    content = pskc(row("T1", upn="alice"))
    report = await bring_in(office, content)
    assert (report["created"], report["assigned"]) == (1, 0)
    assert report["unowned"] == [{"line": 5, "serial": "T1", "owner": "alice"}]
    await person(office, "alice")
    again = await bring_in(office, content)
    assert (again["changed"], again["assigned"], again["unowned"]) == (1, 1, [])
    assert await office.sign_in("alice", office.code(PLAIN)) == "accept"


async def test_a_key_without_a_serial_number_gets_the_same_one_each_time(office: Office) -> None:
    await person(office, "helga")
    uri = f"otpauth://totp/ACME:helga?secret={BASE32}&issuer=ACME\n"
    report = await bring_in(office, uri + f"otpauth://totp/bob?secret={BASE32}\n")
    [made] = report["numbered"]
    assert (made["line"], made["serial"][:4], len(made["serial"])) == (1, "key-", 20)
    assert [one["reason"] for one in report["problems"]] == [
        "the same key stands in line 1 already; keep one of the two"
    ]
    assert report["failures"] == ""
    one, _ = await the(office, made["serial"])
    assert one.label == "ACME"
    assert HEX[:8] not in made["serial"]
    again = await bring_in(office, uri)
    assert (again["unchanged"], again["numbered"]) == (1, [])


async def test_a_key_that_is_a_users_token_already_is_not_doubled_by_its_uri(office: Office) -> None:
    await person(office, "helga")
    await tokens.add(office.desk, ACTOR, user="helga", secret=BASE32)
    assert (await bring_in(office, f"otpauth://totp/helga?secret={BASE32}"))["unchanged"] == 1


@pytest.mark.parametrize(
    ("field", "changed", "told"),
    [
        ("digits", f"A1,{HEX},totp,8,30", "6 digits"),
        ("interval or counter", f"A1,{HEX},totp,6,60", "30 seconds"),
        ("algorithm", f"A1,{HEX},totp,6,30,sha256", "sha1"),
        ("type", f"A1,{HEX},hotp,6,0", "totp"),
    ],
)
async def test_a_token_whose_codes_are_made_in_another_way_is_a_problem(
    office: Office, field: str, changed: str, told: str
) -> None:
    await bring_in(office, f"A1,{HEX},totp,6,30")
    report = await bring_in(office, changed)
    [problem] = report["problems"]
    assert (problem["field"], report["unchanged"], told in problem["reason"]) == (field, 0, True)
    column = ["serial number", "key (hex)", "type", "digits", "interval or counter", "algorithm"].index(field) + 1
    assert problem["column"] == column


async def test_a_counter_beyond_all_counting_is_a_problem(office: Office) -> None:
    report = await bring_in(office, f"A1,{HEX},hotp,6,{2**53}")
    assert [(one["field"], one["column"]) for one in report["problems"]] == [("interval or counter", 5)]


FAILING = {
    "oath-csv": f"A1,{HEX},hotp,8,77,sha256\n",
    "named-csv": f"serial;type;key (hex);digits;upn;expiry date\nA1;hotp;{HEX};8;;2030-01-01T00:00:00Z\n",
    "yubico-csv": f"508327,,0,{HEX},,2013-12-12T08:41:07,\n",
    "yubico-log": f"OATH-HOTP,11.12.13 18:55,1,cccccccccccd,,{HEX},,,0,0,0,8,0,0,0,0,0,0\n",
    "entra-csv": f"upn,serial number,secret key,time interval,manufacturer,model\n,A1,{BASE32},60,Acme,X\n",
    "mfa-server-csv": f"A1,{BASE32},60\n",
}


@pytest.mark.parametrize("form", FAILING)
async def test_the_failures_file_of_each_form_comes_in_once_the_reason_is_gone(office: Office, form: str) -> None:
    """What is refused by the inventory, not by the reader, goes back under the columns of its own file."""
    content = FAILING[form]
    serial = {"yubico-csv": "508327", "yubico-log": "cccccccccccd"}.get(form, "A1")
    await bring_in(office, f"{serial},{bytes(20).hex()},totp")
    report = await bring_in(office, content)
    assert (report["format"], report["created"], len(report["problems"])) == (form, 0, 1)
    await tokens.remove(office.desk, ACTOR, token=serial)
    again = await bring_in(office, report["failures"])
    assert (again["format"] in {form, "named-csv"}, again["created"], again["problems"]) == (True, 1, [])
    found: list[Any] = [*await the(office, serial)]
    await tokens.remove(office.desk, ACTOR, token=serial)
    await bring_in(office, content)
    straight: list[Any] = [*await the(office, serial)]
    assert [replace(one, id="") for one in found] == [replace(one, id="") for one in straight]


async def test_rows_with_broken_quotation_marks_come_back_and_are_cut_when_they_are_corrected(office: Office) -> None:
    content = f'A1,"{BASE32}"x,30\nA2,{BASE32[:-1]}A,7\nA3,"{BASE32},30\n'
    content = f"serial,secret,interval\n{content}"
    report = await bring_in(office, content)
    assert [(one["line"], one["field"]) for one in report["problems"]] == [
        (2, "secret key"),
        (3, "time interval"),
        (4, "secret key"),
    ]
    uncorrected = await bring_in(office, report["failures"])
    assert [one["reason"] for one in uncorrected["problems"]] == [one["reason"] for one in report["problems"]]
    corrected = uncorrected["failures"].replace('""x', "").replace('""', "").replace(",7\r", ",60\r")
    again = await bring_in(office, corrected.replace(f"A3,{BASE32}", f"A3,{BASE32[:-1]}B"))
    assert (again["created"], again["problems"]) == (3, [])
    assert {one["serial"] for one in (await tokens.listed(office.desk, ACTOR))["tokens"]} == {"A1", "A2", "A3"}


async def test_figures_of_the_rfc_come_in(office: Office) -> None:
    figure = (FOLDER / "pskc/figure6.xml").read_bytes()
    key = bytes.fromhex("12345678901234567890123456789012")
    report = await bring_in(office, figure, key=key)
    assert (report["created"], report["problems"]) == (1, [])


async def test_keys_go_out_with_all_that_an_import_needs_and_come_back_unchanged(office: Office) -> None:
    await person(office, "alice")
    content = pskc(
        row("T1", upn="alice", drift=2, period_seconds=60, expires_at=NOON + DAY),
        row("H1", PLAIN[::-1], method="hotp", counter=9),
        row("OFF", bytes(20)),
    )
    await bring_in(office, content)
    await tokens.add(office.desk, ACTOR, user="alice")  # without a serial number
    await tokens.issue_recovery(office.desk, ACTOR, user="alice")
    await tokens.disable(office.desk, ACTOR, token="OFF")
    told = await token_export.keys(office.desk, ACTOR)
    assert (len(told["tokens"]), told["left_out"], told["next"]) == (3, 1, None)
    assert (await office.journal())[-1].detail == {"tokens": 3}
    assert (await office.actions())[-1] == "token.keys"
    assert {one["serial"]: (one["counter"], one["drift"]) for one in told["tokens"]} | {"T1": (0, 2)} == {
        one["serial"]: (one["counter"], one["drift"]) for one in told["tokens"]
    }
    rows = [
        row(
            one["serial"],
            base64.b64decode(one["secret"]),
            upn=one["user"],
            method=one["method"],
            period_seconds=one["period"],
            counter=one["counter"],
            drift=one["drift"],
            expires_at=one["expires_at"],
        )
        for one in told["tokens"]
    ]
    again = await bring_in(office, pskc(*rows))
    assert (again["created"], again["changed"], again["unchanged"], again["problems"]) == (0, 0, 3, [])


async def test_every_page_of_keys_stands_in_the_journal(office: Office) -> None:
    await bring_in(office, pskc(*(row(f"T{number}", bytes([number]) * 20) for number in range(5))))
    told = await token_export.keys(office.desk, ACTOR, limit=3)
    await token_export.keys(office.desk, ACTOR, limit=3, after=told["next"])
    found = [entry.detail for entry in await office.journal() if entry.action == "token.keys"]
    assert found == [{"tokens": 3}, {"tokens": 2}]


@pytest.mark.requirement(47)
async def test_no_key_stands_in_a_report_a_refusal_or_the_journal(office: Office) -> None:
    said = [str(await bring_in(office, pskc(row("T1"), closing=SharedKey(Secret(KEY))), key=KEY))]
    said.append((await bring_in(office, f"otpauth://hotp/bob?secret={BASE32}"))["problems"])
    said.append(str(await office.lines()))
    for form in (BASE32, HEX, base64.b64encode(PLAIN).decode(), KEY.hex()):
        assert form not in str(said)
