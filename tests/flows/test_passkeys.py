"""Passkeys of one's own, what is known of their models, and who is asked to register what."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.desks import ACTOR, NOON, Office, Template, memory_office
from tests.methods.authenticator import MODEL, PRESENT, Authenticator
from tests.methods.fido_metadata import OTHER, YUBIKEY, Service, entry
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.policy import Outcome, Rule
from vestibule.core.ports import Record, Writing
from vestibule.core.reasons import Reason
from vestibule.core.sessions import Session
from vestibule.core.users import Mfa, User
from vestibule.flows import binding, own_factors, passkey_models, passkeys, registration
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.registration import Why
from vestibule.flows.sessions import Signed, Stage

ALICE = User("a" * 32, "alice", "alice", mfa=Mfa.ENABLED)
BOB = User("b" * 32, "bob", "bob", mfa=Mfa.ENABLED)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("passkeys"))


@pytest.fixture(params=["memory", "sqlite"])
async def office(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> Office:
    office = memory_office() if request.param == "memory" else await template.office(tmp_path)
    await put(
        office, ALICE, BOB, *(Session(f"session of {one.name}", one.id, NOON, NOON, NOON) for one in (ALICE, BOB))
    )
    return office


async def put(office: Office, *records: Record) -> None:
    def act(writing: Writing) -> None:
        for one in records:
            writing.put(one)

    await office.store.change(act)


def signed(user: User = ALICE) -> Signed:
    return Signed(Session(f"session of {user.name}", user.id, NOON, NOON, NOON), user, Stage.REGISTER, fresh=True)


def device(**more: object) -> Authenticator:
    return Authenticator(domain="localhost", origin="http://localhost:8000", **more)  # type: ignore[arg-type]  # by name


async def add(office: Office, one: Authenticator | None = None, user: User = ALICE, label: str = "") -> str:
    new = await passkeys.begin(office.desk, signed(user), label)
    return (await passkeys.add(office.desk, signed(user), new.id, (one or device()).make(new.options))).id


async def held(office: Office, user: User = ALICE) -> list[Credential]:
    return await office.store.read(lambda reading: reading.find(Credential, "user_id", user.id))


# -- registering -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(27)
async def test_a_passkey_counts_after_its_proof_and_its_person_is_registered(office: Office) -> None:
    new = await passkeys.begin(office.desk, signed(), "Blue key")
    [pending] = await held(office)
    assert pending.state is CredentialState.PENDING
    await passkeys.add(office.desk, signed(), new.id, device().make(new.options))
    [one] = await held(office)
    assert (one.state, one.label, one.usable(office.clock.at)) == (CredentialState.ACTIVE, "Blue key", True)
    user = await office.store.read(lambda reading: reading.get(User, ALICE.id))
    assert user
    assert user.mfa is Mfa.ENFORCED
    assert (await office.actions())[-2:] == ["factor.begin", "factor.add"]


@pytest.mark.requirement(35)
async def test_a_question_is_answered_once_also_by_a_wrong_answer(office: Office) -> None:
    new = await passkeys.begin(office.desk, signed(), "")
    one = device()
    with pytest.raises(Refused, match="did not check that it is you"):
        await passkeys.add(office.desk, signed(), new.id, one.make(new.options, flags=PRESENT))
    with pytest.raises(Missing):
        await passkeys.add(office.desk, signed(), new.id, one.make(new.options))
    assert await held(office) == []


@pytest.mark.requirement(27)
async def test_a_half_made_passkey_dies_by_time_and_by_a_new_beginning(office: Office) -> None:
    first = await passkeys.begin(office.desk, signed(), "")
    second = await passkeys.begin(office.desk, signed(), "")
    with pytest.raises(Missing):
        await passkeys.add(office.desk, signed(), first.id, device().make(first.options))
    office.clock.at += 601
    with pytest.raises(Missing):
        await passkeys.add(office.desk, signed(), second.id, device().make(second.options))
    assert await binding.sweep(office.desk) == 1
    assert await held(office) == []


async def test_nobody_finishes_what_another_began_nor_registers_what_another_has(office: Office) -> None:
    new, one = await passkeys.begin(office.desk, signed(), ""), device()
    with pytest.raises(Missing):
        await passkeys.add(office.desk, signed(BOB), new.id, one.make(new.options))
    await passkeys.add(office.desk, signed(), new.id, one.make(new.options))
    theirs = await passkeys.begin(office.desk, signed(BOB), "")
    with pytest.raises(Refused, match="registered already"):
        await passkeys.add(office.desk, signed(BOB), theirs.id, one.make(theirs.options))
    assert await held(office, BOB) == []


async def test_there_are_ten_at_most(office: Office) -> None:
    for _ in range(passkeys.MOST_PASSKEYS):
        await add(office)
    with pytest.raises(Refused, match="as many passkeys"):
        await passkeys.begin(office.desk, signed(), "")


async def test_a_session_that_has_ended_registers_nothing(office: Office) -> None:
    new = await passkeys.begin(office.desk, signed(), "")
    await office.store.change(lambda writing: writing.remove(Session, "session of alice"))
    with pytest.raises(Missing):
        await passkeys.add(office.desk, signed(), new.id, device().make(new.options))


async def test_the_first_page_says_what_a_passkey_is_and_which_way_goes_first(office: Office) -> None:
    await add(office, label="Blue key")
    found = await own_factors.overview(office.desk, signed())
    [one] = found.factors
    assert one.about
    assert (one.about.model, one.about.synced, one.label) == (YUBIKEY, False, "Blue key")
    assert [way.id for way in found.ways] == ["passkey"]
    await put(office, Credential("totp", "totp", ALICE.id))
    await own_factors.prefer(office.desk, signed(), "code")
    found = await own_factors.overview(office.desk, signed())
    assert ([way.id for way in found.ways], found.preferred) == (["passkey", "code"], "code")
    with pytest.raises(Refused):
        await own_factors.prefer(office.desk, signed(), "call/of somebody else")
    await own_factors.prefer(office.desk, signed(), "")
    assert (await own_factors.overview(office.desk, signed())).preferred == ""


async def test_recovery_codes_say_how_many_are_left(office: Office) -> None:
    codes = await own_factors.issue_recovery(office.desk, signed())
    assert await office.sign_in("alice", codes[0]) == "accept"
    [one] = (await own_factors.overview(office.desk, signed())).factors
    assert one.left == 9


# -- what is known of models -----------------------------------------------------------------------------------------

SERVICE = Service()


async def load(office: Office, *entries: dict[str, object], number: int = 7) -> dict[str, object]:
    blob = SERVICE.file(*entries, number=number)
    content, root = base64.b64encode(blob).decode(), SERVICE.root.pem.decode()
    return await passkey_models.load(office.desk, ACTOR, content=content, root=root)


@pytest.mark.requirement(36)
async def test_a_model_that_was_revoked_is_not_taken_and_its_people_are_named(office: Office) -> None:
    id = await add(office, label="Blue key")
    told = await load(office, entry(YUBIKEY, "Blue key 5", "REVOKED"), entry(OTHER, "Fine", "FIDO_CERTIFIED"))
    assert told["affected"] == [
        {"user": "alice", "passkey": id, "label": "Blue key", "model": "Blue key 5", "report": "REVOKED"}
    ]
    assert told["unsafe"] == [{"model": YUBIKEY, "name": "Blue key 5", "report": "REVOKED"}]
    with pytest.raises(Refused, match="not safe any more"):
        await add(office, user=BOB)
    await add(office, device(model=bytes(16)), user=BOB)
    assert [entry.action for entry in await office.journal()].count("factor.refuse") == 1


@pytest.mark.requirement(36)
async def test_an_older_file_does_not_take_the_place_of_a_newer_one(office: Office) -> None:
    await load(office, entry(YUBIKEY, "Blue key", "REVOKED"), number=9)
    with pytest.raises(Refused, match="9 is loaded already"):
        await load(office, entry(YUBIKEY, "Blue key"), number=8)
    told = await load(office, entry(OTHER, "Fine"), number=10)
    assert (told["unsafe"], told["affected"]) == ([], [])
    assert await office.store.read(lambda reading: passkey_models.model_in(reading, YUBIKEY)) is None


@pytest.mark.requirement(36)
async def test_a_file_that_nobody_signed_changes_nothing(office: Office) -> None:
    with pytest.raises(Refused, match="not signed by"):
        await passkey_models.load(office.desk, ACTOR, content=base64.b64encode(SERVICE.file(entry(YUBIKEY))).decode())
    with pytest.raises(Refused, match="Base64"):
        await passkey_models.load(office.desk, ACTOR, content="!")
    assert await passkey_models.show(office.desk, ACTOR) == {"file": None, "unsafe": [], "affected": []}


async def setting(office: Office, name: str, value: object) -> None:
    await office.store.change(lambda writing: writing.set(name, json.dumps(value)))


@pytest.mark.requirement(36)
async def test_where_makers_have_to_vouch_an_old_list_takes_no_new_passkey(office: Office) -> None:
    await setting(office, "passkey_attestation", 1)
    with pytest.raises(Refused, match="missing or too old"):
        await passkeys.begin(office.desk, signed(), "")
    await load(office, entry(YUBIKEY, "Blue key"))
    new = await passkeys.begin(office.desk, signed(), "")
    assert json.loads(new.options)["attestation"] == "direct"
    with pytest.raises(Refused, match="what kind of device"):
        await passkeys.add(office.desk, signed(), new.id, device().make(new.options))
    office.clock.at += 86400 * 30
    with pytest.raises(Refused, match="missing or too old"):
        await passkeys.begin(office.desk, signed(), "")


async def test_only_models_on_the_list_are_taken_if_there_is_one(office: Office) -> None:
    await setting(office, "passkey_models", [OTHER])
    with pytest.raises(Refused, match="not used here"):
        await add(office)
    await setting(office, "passkey_models", [OTHER, YUBIKEY])
    await add(office, device(model=MODEL))


# -- who is asked to register, and why -------------------------------------------------------------------------------


async def why(office: Office, user: User = ALICE) -> str:
    assert await registration.ask(office.desk, user) == (await registration.offer(office.desk, user)).why
    [*_, last] = [entry for entry in await office.journal() if entry.action == "registration.ask"]
    return str(last.detail["why"])


async def test_each_reason_to_register_is_noted(office: Office) -> None:
    assert await why(office) == "enabled"
    await put(office, Rule("r", 1, "staff", Outcome.REQUIRE))
    assert await why(office) == "rule"
    await put(office, Rule("r", 1, "the portal", Outcome.REQUIRE, clients=("portal",)))
    assert await why(office) == "application"
    await put(office, Credential("old", "totp", ALICE.id, state=CredentialState.DISABLED))
    assert await why(office) == "disabled"


async def test_who_was_turned_away_by_an_application_is_asked_for_its_sake(office: Office) -> None:
    line = Entry(
        NOON,
        EntryKind.SIGN_IN,
        "sign_in",
        user_id=ALICE.id,
        client_id="vpn",
        accepted=False,
        reason=Reason.NOT_ENROLLED,
    )
    await office.store.change(lambda writing: writing.note(replace(line, client_id="portal")))
    assert await why(office) == "enabled"
    await office.store.change(lambda writing: writing.note(line))
    assert await why(office) == "application"
    office.clock.at += 2 * 86400
    assert await why(office) == "enabled"


async def test_who_has_a_factor_to_live_with_is_asked_for_nothing(office: Office) -> None:
    await put(office, Credential("printed", "recovery", ALICE.id), Credential("pass", "access_pass", ALICE.id))
    assert await registration.ask(office.desk, ALICE) is Why.ENABLED
    await add(office)
    assert await registration.ask(office.desk, ALICE) is None
    assert (await registration.offer(office.desk, ALICE)).held == 1


async def test_what_is_offered_is_what_the_policy_takes_the_strongest_first(office: Office) -> None:
    assert (await registration.offer(office.desk, ALICE)).methods == ("passkey", "totp", "hotp")
    await put(office, Rule("r", 1, "tokens", Outcome.REQUIRE, methods=("hotp", "totp")))
    assert (await registration.offer(office.desk, ALICE)).methods == ("totp", "hotp")


def test_all_seven_reasons_have_their_words() -> None:
    assert len(Why) == 7
