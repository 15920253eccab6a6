"""What every RADIUS client may rely on: who is heard, how each answer is signed, what comes back with it."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journeys.nas import SECRET, Nas, Pair, nas, radclient, typed_state
from tests.journeys.world import Person, World, a_client, in_process, sqlite_store
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Block, Mfa, User
from vestibule.frontends.radius.door import Manners
from vestibule.wire.radius.dictionary import parse, standard
from vestibule.wire.radius.packet import Attribute, Code, Packet, decode, encode_attributes, encode_start

PROXIED: list[Pair] = [(Attribute.PROXY_STATE, bytes([number])) for number in (3, 1, 2, 1)]


async def silence(world: World, asker: Nas, octets: bytes, why: str) -> None:
    """See that a packet is dropped for this reason, while the server lives on."""
    before = world.counted("vestibule_radius_dropped_total", why=why)
    came = asker.came
    asker.send(octets)
    async with nas(world.radius) as other:
        assert (await other.ask(other.status())).code == Code.ACCESS_ACCEPT
    await world.log.line(why)
    assert world.counted("vestibule_radius_dropped_total", why=why) == before + 1
    assert asker.came == came


# -- how answers are signed ---------------------------------------------------------------------------------------


async def accepted(world: World, alice: Person, asker: Nas) -> bytes:
    asked = await asker.ask(asker.request("alice", "secret"))
    return asker.request("alice", alice.press(), *PROXIED, state=typed_state(asked))


async def challenged(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.request("alice", "secret", *PROXIED)


async def wrong_password(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.request("alice", "wrong", *PROXIED)


async def wrong_code(world: World, alice: Person, asker: Nas) -> bytes:
    asked = await asker.ask(asker.request("alice", "secret"))
    return asker.request("alice", alice.wrong(), *PROXIED, state=typed_state(asked))


async def unknown(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.request("nobody", "secret", *PROXIED)


async def blank(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.request("   ", "secret", *PROXIED)


async def malformed_name(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.request("al\tice", "secret", *PROXIED)


async def blocked(world: World, alice: Person, asker: Nas) -> bytes:
    user = User(alice.user_id, "alice", "alice", mfa=Mfa.ENFORCED, block=Block(0.0, 1e12, "root", "lost the phone"))
    await world.put(user)
    return asker.request("alice", "secret", *PROXIED)


async def throttled(world: World, alice: Person, asker: Nas) -> bytes:
    await world.set("limits.source_tries", "1")
    await asker.ask(asker.request("alice", "wrong"))
    return asker.request("alice", "secret", *PROXIED)


async def not_pap(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.bare_request((Attribute.USER_NAME, b"alice"), (Attribute.CHAP_PASSWORD, bytes(17)), *PROXIED)


async def status(world: World, alice: Person, asker: Nas) -> bytes:
    return asker.status(*PROXIED)


REFUSED = (wrong_password, wrong_code, unknown, blank, malformed_name, blocked, throttled, not_pap)


@pytest.mark.requirement(37)
@pytest.mark.requirement(43)
@pytest.mark.parametrize("way", [accepted, challenged, status, *REFUSED], ids=lambda way: way.__name__)
async def test_every_answer_begins_with_its_signature_and_ends_with_the_proxy_states(world: World, way: object) -> None:
    await world.put(a_client())
    alice = await world.person("alice")
    async with nas(world.radius) as asker:
        request = await way(world, alice, asker)  # type: ignore[operator]  # one of the above
        reply = await asker.ask(request)  # reads only what is signed first
    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert list(reply.attributes[-4:]) == PROXIED


@pytest.mark.requirement(23)
async def test_all_refusals_are_alike_in_their_octets(world: World) -> None:
    await world.put(a_client())
    seen = set()
    async with nas(world.radius) as asker:
        for way in REFUSED:
            alice = await world.person("alice")
            reply = await asker.ask(await way(world, alice, asker))
            seen.add((reply.code, reply.attributes[1:]))
            await world.set("limits.source_tries", "5")
    assert seen == {(Code.ACCESS_REJECT, ((Attribute.REPLY_MESSAGE, b"Sign-in refused"), *PROXIED))}
    reasons = {entry.reason for entry in await world.journal()}
    assert reasons == {
        Reason.WRONG_PASSWORD,
        Reason.WRONG_CODE,
        Reason.UNKNOWN_USER,
        Reason.BLOCKED,
        Reason.THROTTLED,
    }


async def test_a_request_without_a_password_is_refused_and_the_log_says_what_to_set(world: World) -> None:
    await world.put(a_client())
    said = await radclient(world.radius, 'User-Name = "alice"', 'CHAP-Password = "secret"')
    assert said.packet == "Access-Reject"
    line = await world.log.line("no password field")
    assert line["event"] == "radius request refused"
    assert "set it to PAP" in str(line["detail"])


# -- who is heard -------------------------------------------------------------------------------------------------


@pytest.mark.requirement(38)
@pytest.mark.requirement(50)
async def test_an_unsigned_request_is_dropped(world: World) -> None:
    await world.put(a_client())
    await world.person("alice")
    async with nas(world.radius) as asker:
        await silence(world, asker, asker.request("alice", "secret", signed=False), "not authentic")
    assert not await world.journal()


@pytest.mark.requirement(38)
async def test_an_old_client_may_be_excepted_and_is_answered_with_a_signature(world: World) -> None:
    await world.put(a_client(require_message_authenticator=False))
    await world.person("alice")
    async with nas(world.radius) as asker:
        reply = await asker.ask(asker.request("alice", "secret", signed=False))
    assert reply.code == Code.ACCESS_CHALLENGE


@pytest.mark.requirement(38)
async def test_an_unsigned_request_with_proxy_state_is_dropped_unless_that_is_allowed(world: World) -> None:
    excepted = a_client(require_message_authenticator=False)
    await world.put(excepted)
    await world.person("alice")
    async with nas(world.radius) as asker:
        await silence(world, asker, asker.request("alice", "secret", PROXIED[0], signed=False), "not authentic")
        await world.put(replace(excepted, limit_proxy_state=False))
        reply = await asker.ask(asker.request("alice", "secret", PROXIED[0], signed=False))
    assert reply.code == Code.ACCESS_CHALLENGE


@pytest.mark.requirement(38)
@pytest.mark.parametrize("kind", ["status", "EAP"])
async def test_what_must_be_signed_is_dropped_unsigned_from_excepted_clients_too(world: World, kind: str) -> None:
    await world.put(a_client(require_message_authenticator=False))
    async with nas(world.radius) as asker:
        unsigned = encode_start(Code.STATUS_SERVER, 0, 0) + secrets.token_bytes(16)
        eap = asker.bare_request((Attribute.USER_NAME, b"alice"), (Attribute.EAP_MESSAGE, b"\2\0\0\4"), signed=False)
        await silence(world, asker, unsigned if kind == "status" else eap, "not authentic")


@pytest.mark.requirement(38)
async def test_a_request_under_another_secret_is_dropped(world: World) -> None:
    await world.put(a_client())
    async with nas(world.radius, b"not the secret that was agreed on") as asker:
        await silence(world, asker, asker.request("alice", "secret"), "not authentic")


async def test_a_stranger_is_dropped(world: World) -> None:
    await world.put(a_client(networks=("192.0.2.0/24",)))
    async with nas(world.radius) as asker:
        asker.send(asker.request("alice", "secret"))
        assert (await world.log.line("unknown client"))["source"] == "127.0.0.1"
        assert asker.came == 0


@pytest.mark.requirement(43)
@pytest.mark.parametrize(
    "octets",
    [bytes(19), bytes(20), b"\1\0\xff\xff" + bytes(16), b"\1\0\0\x16" + bytes(16) + b"\1\1", bytes(5000)],
    ids=["short", "no length", "long length", "bad attribute", "huge"],
)
async def test_a_malformed_packet_is_dropped(world: World, octets: bytes) -> None:
    await world.put(a_client())
    async with nas(world.radius) as asker:
        await silence(world, asker, octets, "malformed")


@pytest.mark.requirement(43)
async def test_a_password_field_of_no_right_length_is_dropped(world: World) -> None:
    await world.put(a_client())
    async with nas(world.radius) as asker:
        request = asker.bare_request((Attribute.USER_NAME, b"alice"), (Attribute.USER_PASSWORD, bytes(17)))
        await silence(world, asker, request, "malformed")


async def test_a_flood_fills_no_log(world: World) -> None:
    await world.put(a_client())
    async with nas(world.radius) as asker:
        for _ in range(100):
            asker.send(b"noise")
        await asker.ask(asker.status())
    assert world.counted("vestibule_radius_dropped_total", why="malformed") == 100
    assert len(world.log.lines) == 1


@pytest.mark.requirement(39)
async def test_a_secret_of_64_octets_works(world: World) -> None:
    secret = secrets.token_hex(32).encode()
    await world.put(a_client(secrets=(Secret(secret),)))
    await world.person("alice")
    said = await radclient(world.radius, 'User-Name = "alice"', 'User-Password = "secret"', secret=secret)
    assert said.packet == "Access-Challenge"


async def test_a_packet_on_the_wrong_port_is_dropped_and_the_right_port_still_takes_it(world: World) -> None:
    await world.put(a_client())
    await world.person("alice")
    async with nas(world.accounting) as astray, nas(world.radius) as asker:
        request = asker.request("alice", "secret")
        astray.send(request)
        await world.log.line("unexpected code")
        assert (await asker.ask(request)).code == Code.ACCESS_CHALLENGE


# -- are you alive, and what was used -----------------------------------------------------------------------------


async def test_status_server_is_answered_on_both_ports(world: World) -> None:
    await world.put(a_client())
    said = await radclient(world.radius, kind="status")
    assert said.packet == "Access-Accept"
    async with nas(world.accounting) as asker:
        assert (await asker.ask(asker.status())).code == Code.ACCOUNTING_RESPONSE


async def test_accounting_is_answered_and_journalled_once_for_each_report(world: World) -> None:
    await world.put(a_client())
    await world.person("alice")
    async with nas(world.accounting) as asker, nas(world.accounting) as elsewhere:
        for status in (1, 3, 2):
            report = asker.report(
                status, (Attribute.USER_NAME, b"alice"), (Attribute.ACCT_SESSION_ID, b"session 7"), *PROXIED
            )
            assert list((await asker.ask(report)).attributes) == PROXIED
            asker.send(report)
            elsewhere.send(report)
            assert await asker.answer_to(report) == await elsewhere.answer_to(report)
    entries = await world.journal("accounting")
    assert [(entry.user_id, entry.detail) for entry in entries] == [
        ("id of alice", {"status": status, "session": "session 7"}) for status in ("start", "interim", "stop")
    ]


async def test_radclient_gets_its_accounting_answered(world: World) -> None:
    await world.put(a_client())
    lines = ('User-Name = "alice"', "Acct-Status-Type = Start", 'Acct-Session-Id = "7"')
    said = await radclient(world.accounting, *lines, kind="acct", signed=False)
    assert said.packet == "Accounting-Response"


async def test_accounting_is_answered_whatever_its_texts(world: World) -> None:
    await world.put(a_client())
    async with nas(world.accounting) as asker:
        odd = [
            (Attribute.USER_NAME, b"\xff"),
            (Attribute.ACCT_SESSION_ID, b"\x00\xff"),
            (Attribute.CALLING_STATION_ID, b"\n"),
        ]
        assert (await asker.ask(asker.report(9, *odd))).code == Code.ACCOUNTING_RESPONSE
    (entry,) = await world.journal("accounting")
    assert (entry.user_name, entry.source) == ("", "client:vpn")
    assert entry.detail == {"status": "status 9", "session": "0x00ff"}


async def test_forged_accounting_is_dropped(world: World) -> None:
    await world.put(a_client())
    async with nas(world.accounting, b"another secret") as asker:
        asker.send(asker.report(1, (Attribute.USER_NAME, b"alice")))
        await world.log.line("not authentic")
        assert asker.came == 0
    assert not await world.journal("accounting")


# -- what comes with an accept ------------------------------------------------------------------------------------

ACME = """
VENDOR Acme 32473
BEGIN-VENDOR Acme
ATTRIBUTE Acme-Role 1 string
ATTRIBUTE Acme-Level 2 integer
VALUE Acme-Level Admin 15
END-VENDOR Acme
"""


async def test_groups_bring_reply_attributes_also_of_vendors(template: Path, tmp_path: Path) -> None:
    dictionary = parse(ACME, file="dictionary.acme", onto=standard())
    async with in_process(await sqlite_store(template, tmp_path), dictionary=dictionary) as world:
        await world.put(a_client(sign_in=SignIn.CODE_ONLY))
        await world.group("staff", ("Class", "staff"), ("Filter-Id", "inside"))
        await world.group("admins", ("Acme-Role", "root"), ("Acme-Level", "Admin"), ("Class", "staff"))
        await world.group("others", ("Class", "others"))
        alice = await world.person("alice", groups=("staff", "admins", "gone"))
        said = await radclient(world.radius, 'User-Name = "alice"', f'User-Password = "{alice.press()}"')
    assert said.packet == "Access-Accept"
    assert said.attributes["Class"] == ["0x7374616666"]
    assert said.attributes["Filter-Id"] == ["inside"]
    assert said.attributes["Attr-26.32473.1"] == ["0x726f6f74"]
    assert said.attributes["Attr-26.32473.2"] == ["0x0000000f"]


@pytest.mark.requirement(50)
async def test_nobody_is_let_in_without_the_attributes_of_the_group(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    await world.group("staff", ("Acme-Role", "guest"))
    alice = await world.person("alice", groups=("staff",))
    async with nas(world.radius) as asker:
        asker.send(asker.request("alice", alice.press()))
        line = await world.log.line("reply attributes")
        assert asker.came == 0
    assert "group staff: 'Acme-Role': no such attribute" in str(line["detail"])


@pytest.mark.requirement(43)
async def test_a_reply_that_its_proxy_states_make_too_long_is_dropped(world: World) -> None:
    await world.put(a_client())
    await world.set("text_refused", f'"{"long " * 20}"')
    async with nas(world.radius) as asker:
        many = [(Attribute.PROXY_STATE, bytes(253))] * 15 + [(Attribute.PROXY_STATE, bytes(175))]
        asker.send(asker.request("x", "wrong", *many))
        await world.log.line("reply attributes")
        assert asker.came == 0


# -- bugs ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(47)
async def test_an_error_in_one_decision_is_told_by_its_place_and_harms_nobody_else(world: World) -> None:
    await world.put(a_client(sign_in=SignIn.CODE_ONLY))
    alice, bob = await world.person("alice"), await world.person("bob")
    await world.put(Credential("broken", "recovery", alice.user_id, memory="a canary that is no JSON"))
    async with nas(world.radius) as asker:
        asker.send(asker.request("alice", "A" * 24))
        line = await world.log.line("bug")
        assert (await asker.ask(asker.request("bob", bob.press()))).code == Code.ACCESS_ACCEPT
        assert asker.came == 1
    assert "JSONDecodeError in" in str(line["detail"])
    assert "canary" not in str(line)


async def test_an_error_before_any_decision_leaves_the_socket_open(world: World) -> None:
    await world.put(a_client(networks=("nonsense",)))
    async with nas(world.radius) as asker:
        asker.send(asker.status())
        assert "ValueError in" in str((await world.log.line("bug"))["detail"])
        await world.put(a_client())
        assert (await asker.ask(asker.status())).code == Code.ACCESS_ACCEPT
        assert asker.came == 1


# -- too much -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(44)
async def test_more_than_the_server_takes_at_once_is_dropped_and_taken_when_sent_again(
    template: Path, tmp_path: Path
) -> None:
    manners = Manners(reject_delay=0.0, in_flight_limit=2)
    async with in_process(await sqlite_store(template, tmp_path), manners) as world, nas(world.radius) as asker:
        await world.put(a_client())
        for name in ("tapper 1", "tapper 2"):
            await world.person(name, method="tap")
            asker.send(asker.request(name, "secret"))
            await world.postbox.next()
        await world.person("alice")
        request = asker.request("alice", "secret")
        await silence(world, asker, request, "overload")
        for message in world.postbox.messages:
            await world.approve(message)
        while world.counted("vestibule_radius_in_flight"):
            await asker.ask(asker.status())
        assert (await asker.ask(request)).code == Code.ACCESS_CHALLENGE


def test_the_tests_can_tell_a_signature_that_is_not_first() -> None:
    asker = Nas()
    request = asker.request("alice", "secret")
    body = encode_attributes([(Attribute.CLASS, b"x")])
    reply = encode_start(Code.ACCESS_ACCEPT, request[1], len(body)) + bytes(16) + body
    assert isinstance(decode(reply), Packet)
    with pytest.raises(Exception, match="Authenticator"):
        asker.read(reply, request)
    assert asker.secret == SECRET
