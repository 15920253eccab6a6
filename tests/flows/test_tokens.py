"""Administration of tokens: a code that is spent here is spent everywhere, and a key is shown once or never."""

import base64
from typing import Any

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.oath import hotp
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa
from vestibule.flows import status, tokens, users
from vestibule.flows.refused import Refused
from vestibule.wire.otpauth import OtpMethod, decode

KEY = b"12345678901234567890"
BASE32 = base64.b32encode(KEY).decode()
DAY = 86400


async def alice(office: Office, **more: object) -> dict[str, Any]:
    """Alice and her token A1."""
    await users.add(office.desk, ACTOR, name="alice")
    return await tokens.add(office.desk, ACTOR, **{"user": "alice", "serial": "A1", "secret": BASE32, **more})  # type: ignore[arg-type]


async def show(office: Office, token: str = "A1") -> dict[str, Any]:
    return await tokens.show(office.desk, ACTOR, token=token)


async def mfa(office: Office) -> str:
    return str((await users.show(office.desk, ACTOR, name="alice"))["user"]["mfa"])


@pytest.mark.requirement(1)
async def test_a_key_that_is_made_here_has_160_bits_and_is_shown_once(office: Office) -> None:
    told = await alice(office, secret=None, label="phone")
    key = decode(told["uri"])
    assert (len(key.secret), key.account, key.issuer) == (20, "alice", "Vestibule")
    assert base64.b32decode(told["secret"]) == key.secret.reveal()
    assert told["token"] | {"id": ""} == {
        "id": "",
        "serial": "A1",
        "method": "totp",
        "user": "alice",
        "label": "phone",
        "state": "active",
        "usable": True,
        "manufacturer": "",
        "model": "",
        "algorithm": "sha1",
        "digits": 6,
        "period": 30,
        "waiver_until": None,
        "starts_at": None,
        "expires_at": None,
        "created_at": NOON,
    }
    assert await office.sign_in("alice", office.code(key.secret.reveal())) == "accept"
    listed = await tokens.export(office.desk, ACTOR)
    assert told["secret"] not in str([listed, await show(office), await office.lines()])


async def test_two_keys_that_are_made_here_differ(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    made = {(await tokens.add(office.desk, ACTOR, user="alice"))["secret"] for _ in range(20)}
    assert len(made) == 20


async def test_a_counting_token_begins_at_its_counter(office: Office) -> None:
    told = await alice(office, method="hotp", counter=7, digits=8)
    assert decode(told["uri"]).method is OtpMethod.HOTP
    assert await office.sign_in("alice", hotp(KEY, 7, 8)) == "accept"
    assert (await show(office))["counter"] == 8


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("user", {"user": "nobody"}),
        ("serial", {"serial": "taken"}),
        ("serial", {"serial": "x" * 65}),
        ("secret", {"secret": "not Base32!"}),
        ("secret", {"secret": "GEZDGNBVGY3TQOJQ"}),
        ("method", {"method": "sms"}),
        ("algorithm", {"algorithm": "md5"}),
        ("digits", {"digits": 5}),
        ("digits", {"digits": 9}),
        ("period", {"period": 45}),
        ("counter", {"method": "hotp", "counter": -1}),
        ("waiver_until", {"waiver_until": "soon"}),
        ("waiver_until", {"waiver_until": "2020-01-01"}),
    ],
)
async def test_a_token_that_can_not_be_is_refused(office: Office, field: str, arguments: dict[str, Any]) -> None:
    await alice(office, serial="taken")
    with pytest.raises(Refused) as refused:
        await tokens.add(office.desk, ACTOR, **{"user": "alice", "secret": BASE32, **arguments})
    assert refused.value.fields == (field,)
    assert await office.actions() == ["user.add", "token.add"]
    assert BASE32 not in refused.value.text


@pytest.mark.requirement(1)
async def test_a_short_key_counts_until_its_waiver_ends(office: Office) -> None:
    short = "GEZDGNBVGY3TQOJQ"
    told = await alice(office, secret=short, waiver_until="2027-01-16")
    end = told["token"]["waiver_until"]
    assert end == 1_800_057_600.0 + DAY
    assert await office.sign_in("alice", office.code(base64.b32decode(short))) == "accept"
    office.clock.at = end
    assert await office.sign_in("alice", office.code(base64.b32decode(short))) == "not_enrolled"
    assert (await show(office))["token"]["usable"] is False


@pytest.mark.requirement(4)
async def test_a_second_token_of_the_same_key_does_not_make_a_spent_code_new(office: Office) -> None:
    await alice(office)
    code = office.code(KEY)
    assert await office.sign_in("alice", code) == "accept"
    await users.add(office.desk, ACTOR, name="bob")
    await tokens.add(office.desk, ACTOR, user="bob", secret=BASE32)
    assert await office.sign_in("bob", code) == "code_reused"
    await tokens.remove(office.desk, ACTOR, token="A1")
    assert await office.sign_in("bob", code) == "code_reused"


async def test_a_token_goes_from_hand_to_hand_through_the_inventory(office: Office) -> None:
    await alice(office, label="Ann's")
    user_id = (await users.add(office.desk, ACTOR, name="bob"))["user"]["id"]
    with pytest.raises(Refused, match="somebody else"):
        await tokens.assign(office.desk, ACTOR, token="A1", user="bob")
    with pytest.raises(Refused, match="already"):
        await tokens.assign(office.desk, ACTOR, token="A1", user="alice")
    assert await office.sign_in("alice", "000000") == "wrong_code"
    assert (await show(office))["failures"] == 1
    told = await tokens.unassign(office.desk, ACTOR, token="A1")
    assert (told["token"]["user"], told["token"]["label"]) == (None, "")
    assert await office.sign_in("alice", office.code(KEY)) == "not_enrolled"
    with pytest.raises(Refused, match="nobody"):
        await tokens.unassign(office.desk, ACTOR, token="A1")
    told = await tokens.assign(office.desk, ACTOR, token="A1", user="bob")
    assert (told["token"]["user"], (await show(office))["failures"]) == ("bob", 0)
    assert await office.sign_in("bob", office.code(KEY)) == "accept"
    entry = next(entry for entry in reversed(await office.journal()) if entry.action == "token.assign")
    assert (entry.user_id, entry.user_name, entry.credential_id) == (user_id, "bob", told["token"]["id"])
    assert entry.detail == {"method": "totp", "serial": "A1"}


async def test_a_token_that_is_bound_anew_begins_without_failures(office: Office) -> None:
    await alice(office)
    assert await office.sign_in("alice", "000000") == "wrong_code"
    await tokens.unassign(office.desk, ACTOR, token="A1")
    await tokens.assign(office.desk, ACTOR, token="A1", user="alice")
    assert (await show(office))["failures"] == 0


async def test_what_has_no_number_does_not_go_into_the_inventory(office: Office) -> None:
    told = await alice(office, serial="")
    with pytest.raises(Refused, match="remove it instead"):
        await tokens.unassign(office.desk, ACTOR, token=told["token"]["id"])


async def test_a_pending_token_counts_after_its_first_code_which_is_spent(office: Office) -> None:
    await alice(office, pending=True)
    code = office.code(KEY)
    assert await office.sign_in("alice", code) == "not_enrolled"
    with pytest.raises(Refused, match="not right"):
        await tokens.activate(office.desk, ACTOR, token="A1", code="000000")
    with pytest.raises(Refused, match="activate"):
        await tokens.enable(office.desk, ACTOR, token="A1")
    assert await mfa(office) == Mfa.ENABLED
    told = await tokens.activate(office.desk, ACTOR, token="A1", code=f" {code} ")
    assert (told["token"]["state"], await mfa(office)) == ("active", Mfa.ENFORCED)
    assert await office.sign_in("alice", code) == "code_reused"
    office.clock.at += 30
    assert await office.sign_in("alice", office.code(KEY)) == "accept"
    with pytest.raises(Refused, match="active already"):
        await tokens.activate(office.desk, ACTOR, token="A1", code=office.code(KEY))


async def test_a_used_code_activates_nothing(office: Office) -> None:
    await alice(office)
    await users.add(office.desk, ACTOR, name="bob")
    await tokens.add(office.desk, ACTOR, user="bob", secret=BASE32, serial="B1", pending=True)
    assert await office.sign_in("alice", office.code(KEY)) == "accept"
    with pytest.raises(Refused, match="used already"):
        await tokens.activate(office.desk, ACTOR, token="B1", code=office.code(KEY))
    assert (await show(office, "B1"))["token"]["state"] == "pending"


async def test_what_nobody_has_can_not_be_activated(office: Office) -> None:
    await alice(office, pending=True)
    await tokens.unassign(office.desk, ACTOR, token="A1")
    with pytest.raises(Refused, match="nobody"):
        await tokens.activate(office.desk, ACTOR, token="A1", code=office.code(KEY))
    await tokens.disable(office.desk, ACTOR, token="A1")
    with pytest.raises(Refused, match="Enable it"):
        await tokens.activate(office.desk, ACTOR, token="A1", code=office.code(KEY))


@pytest.mark.requirement(3, 4)
async def test_two_codes_in_a_row_find_a_token_whose_clock_is_off_and_are_spent(office: Office) -> None:
    await alice(office)
    first, second = office.code(KEY, 40), office.code(KEY, 41)
    assert await office.sign_in("alice", first) == "wrong_code"
    with pytest.raises(Refused):
        await tokens.resync(office.desk, ACTOR, token="A1", first=second, second=first)
    told = await tokens.resync(office.desk, ACTOR, token="A1", first=first, second=second)
    assert told["drift"] == 41
    for code in (first, second):
        assert await office.sign_in("alice", code) != "accept"
    office.clock.at += 30
    assert await office.sign_in("alice", office.code(KEY, 41)) == "accept"


@pytest.mark.requirement(5)
async def test_two_codes_in_a_row_find_a_counting_token(office: Office) -> None:
    await alice(office, method="hotp")
    told = await tokens.resync(office.desk, ACTOR, token="A1", first=hotp(KEY, 300), second=hotp(KEY, 301))
    assert told["counter"] == 302
    assert await office.sign_in("alice", hotp(KEY, 301)) == "code_reused"
    assert await office.sign_in("alice", hotp(KEY, 302)) == "accept"


async def test_resync_cures_a_token_whose_last_use_lies_in_the_future(office: Office) -> None:
    await alice(office)
    seed = Seed(office.vault.fingerprint(Secret(KEY)), Secret(KEY), last_step=10**9, used_at=NOON * 10)
    await office.store.change(lambda writing: writing.put(seed))
    assert await office.sign_in("alice", office.code(KEY)) == "clock"
    await tokens.resync(office.desk, ACTOR, token="A1", first=office.code(KEY, -1), second=office.code(KEY))
    office.clock.at += 30
    assert await office.sign_in("alice", office.code(KEY)) == "accept"


async def test_a_disabled_token_does_not_count_until_it_is_enabled(office: Office) -> None:
    await alice(office)
    await tokens.disable(office.desk, ACTOR, token="A1")
    assert await office.sign_in("alice", office.code(KEY)) == "not_enrolled"
    with pytest.raises(Refused, match="disabled already"):
        await tokens.disable(office.desk, ACTOR, token="A1")
    await tokens.enable(office.desk, ACTOR, token="A1")
    assert await office.sign_in("alice", office.code(KEY)) == "accept"


async def test_a_removed_token_takes_its_key_along(office: Office) -> None:
    told = await alice(office)
    user_id = (await users.show(office.desk, ACTOR, name="alice"))["user"]["id"]
    failures = Failures(user_id, FailureKind.FACTOR, told["token"]["id"], 3, NOON)
    await office.store.change(lambda writing: writing.put(failures))
    assert await tokens.remove(office.desk, ACTOR, token="A1") == {"removed": "A1"}
    assert await office.store.read(lambda reading: reading.count(Seed)) == 0
    assert await office.store.read(lambda reading: reading.count(Credential)) == 0
    assert await office.store.read(lambda reading: reading.count(Failures)) == 0


async def test_lists_are_of_all_of_one_person_or_of_what_is_free(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    await users.add(office.desk, ACTOR, name="bob")
    for i in range(7):
        await tokens.add(office.desk, ACTOR, user="bob" if i == 0 else "alice", serial=f"T{i}")
    for i in range(4, 7):
        await tokens.unassign(office.desk, ACTOR, token=f"T{i}")

    async def serials(**asked: object) -> list[str]:
        found, after = [], ""
        while True:
            page = await tokens.listed(office.desk, ACTOR, after=after, limit=2, **asked)  # type: ignore[arg-type]
            found += [one["serial"] for one in page["tokens"]]
            after = page["next"]
            if after is None:
                return sorted(found)

    assert await serials() == [f"T{i}" for i in range(7)]
    assert await serials(unassigned=True) == ["T4", "T5", "T6"]
    assert await serials(user="alice") == ["T1", "T2", "T3"]
    exported = await tokens.export(office.desk, ACTOR, limit=5)
    rest = await tokens.export(office.desk, ACTOR, limit=5, after=exported["next"])
    assert len(exported["tokens"]) + len(rest["tokens"]) == 7
    assert (await office.actions()).count("token.export") == 1


@pytest.mark.requirement(7)
async def test_a_list_of_recovery_codes_is_no_token_and_is_counted_apart(office: Office) -> None:
    await alice(office)
    await tokens.issue_recovery(office.desk, ACTOR, user="alice")
    for told in (
        await tokens.listed(office.desk, ACTOR),
        await tokens.listed(office.desk, ACTOR, user="alice"),
        await tokens.export(office.desk, ACTOR),
    ):
        assert [one["serial"] for one in told["tokens"]] == ["A1"]
    held = (await tokens.held(office.desk, ACTOR, user="alice"))["tokens"]
    assert sorted(one["method"] for one in held) == ["recovery", "totp"]
    counted = await status.status(office.desk, ACTOR)
    assert (counted["tokens"], counted["recovery_lists"]) == (1, 1)


async def test_recovery_codes_are_shown_once_and_void_all_earlier_ones(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    old = (await tokens.issue_recovery(office.desk, ACTOR, user="alice"))["codes"]
    told = await tokens.issue_recovery(office.desk, ACTOR, user="alice")
    codes = told["codes"]
    assert (len(codes), len(set(codes) | set(old))) == (10, 20)
    assert await office.sign_in("alice", old[0]) == "wrong_code"
    assert await office.sign_in("alice", codes[0]) == "accept"
    assert await office.sign_in("alice", codes[0]) == "code_reused"
    assert await office.store.read(lambda reading: reading.count(Credential)) == 1
    with pytest.raises(Refused, match="no codes that could be checked"):
        await tokens.resync(office.desk, ACTOR, token=told["token"]["id"], first="1", second="2")
    assert codes[1] not in str(await office.lines())


async def test_what_is_asked_about_no_token_is_refused(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    desk = office.desk
    for asked in (
        tokens.show(desk, ACTOR, token=""),
        tokens.assign(desk, ACTOR, token="none", user="alice"),
        tokens.unassign(desk, ACTOR, token="none"),
        tokens.activate(desk, ACTOR, token="none", code="1"),
        tokens.resync(desk, ACTOR, token="none", first="1", second="2"),
        tokens.disable(desk, ACTOR, token="none"),
        tokens.remove(desk, ACTOR, token="none"),
    ):
        with pytest.raises(Refused, match="There is no token"):
            await asked
