"""MS-CHAP and EAP through our door to a real FreeRADIUS: the first factor there, an approval here, keys to the NAS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.certificates import Authority
from tests.journeys.freeradius import LISTEN, FreeRadius, freeradius
from tests.journeys.nas import SECRET, Nas, Said, nas, radclient, run
from tests.journeys.test_upstream_radius import UPSTREAM_SECRET, asking, server
from tests.journeys.world import World, a_client, in_process, sqlite_store
from tests.waist.methods import DECLINED
from tests.wire.ms_chap_client import answer, hash_of_hash
from vestibule.core.reasons import Reason
from vestibule.core.users import Mfa
from vestibule.directories.upstream_radius import UpstreamRadius
from vestibule.wire.radius.mschap import Response, authenticator_response, session_keys
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.passing import MICROSOFT, inside
from vestibule.wire.radius.salted import reveal_salted

pytestmark = [pytest.mark.directories, pytest.mark.timeout(120)]

TUNNELS = """
modules {{
    always reject {{
        rcode = reject
    }}
    pap {{
    }}
    mschap {{
    }}
    chap {{
    }}
    eap {{
        default_eap_type = peap
        tls-config own {{
            certificate_file = {certificate}
            private_key_file = {key}
            ca_file = {authority}
        }}
        md5 {{
        }}
        mschapv2 {{
        }}
        ttls {{
            tls = own
            virtual_server = inner
        }}
        peap {{
            tls = own
            default_eap_type = mschapv2
            virtual_server = inner
        }}
    }}
    files {{
        usersfile = ${{raddbdir}}/users
    }}
}}
server inner {{
    authorize {{
        {compared}
        mschap
        eap
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type MS-CHAP {{
            mschap
        }}
        eap
    }}
    post-auth {{
        {told}
    }}
}}
server upstream {{
    LISTEN
    authorize {{
        chap
        mschap
        eap
        files
        pap
    }}
    authenticate {{
        Auth-Type CHAP {{
            chap
        }}
        Auth-Type MS-CHAP {{
            mschap
        }}
        eap
    }}
    post-auth {{
        update {{ &reply: += &session-state: }}
        update reply {{ &Message-Authenticator := 0x00 }}
        Post-Auth-Type REJECT {{
            update reply {{ &Message-Authenticator := 0x00 }}
        }}
        Post-Auth-Type Challenge {{
            update reply {{ &Message-Authenticator := 0x00 }}
        }}
    }}
}}
""".replace("LISTEN", LISTEN)
TOLD = "update outer.session-state { &User-Name := &User-Name }"
COMPARED = """
        if (&outer.request:User-Name != "anonymous" && &outer.request:User-Name != "%{User-Name}") {
            reject
        }
"""
USERS = """
alice Cleartext-Password := "secret"
    Class = "staff"

mallory Cleartext-Password := "mallorys"

frank Cleartext-Password := "secret", Auth-Type := Reject
    Reply-Message = "Your account is locked"
"""
METHODS = {
    "EAP-MSCHAPv2": 'eap=MSCHAPV2\n identity="{name}"\n password="{password}"',
    "EAP-MD5": 'eap=MD5\n identity="{name}"\n password="{password}"',
    "PEAP": 'eap=PEAP\n identity="{name}"\n anonymous_identity="{outer}"\n password="{password}"\n'
    ' phase2="auth=MSCHAPV2"',
    "TTLS": 'eap=TTLS\n identity="{name}"\n anonymous_identity="{outer}"\n password="{password}"\n phase2="auth=PAP"',
}
KEYLESS = {"EAP-MD5"}


@dataclass(frozen=True)
class Way:
    """A client of ours with the switch, a person with an approval, and a FreeRADIUS behind."""

    world: World
    radius: FreeRadius
    directory: UpstreamRadius
    folder: Path

    async def eap(self, method: str, name: str = "alice", password: str = "secret", outer: str = "") -> str:
        """What eapol_test prints; it believes a success only with the keys that its own end has."""
        own = METHODS[method].format(name=name, password=password, outer=outer or name)
        file = self.folder / "eapol.conf"
        await asyncio.to_thread(file.write_text, f"network={{\n key_mgmt=IEEE8021X\n {own}\n}}\n")
        host, port = self.world.radius
        keyless = ["-n"] if method in KEYLESS else []
        return await run(
            "eapol_test", "-c", str(file), "-a", host, "-p", str(port), "-s", SECRET.decode(), "-t", "15", *keyless
        )

    async def approve(self, said: str = "") -> None:
        """Answer the question that waits, as soon as there is one."""
        async with asyncio.timeout(20):
            await self.world.approve(await self.world.postbox.next(), said)

    async def reasons(self) -> list[tuple[str, Reason | None]]:
        return [(entry.user_name, entry.reason) for entry in await self.world.journal()]

    @property
    def answered(self) -> int:
        return self.directory.counts["one"].get("answered", 0)


@asynccontextmanager
async def through(
    template: Path, folder: Path, *, compared: str = COMPARED, checked: bool = True, **client: bool | float
) -> AsyncIterator[Way]:
    authority = await asyncio.to_thread(Authority.made, folder / "ca")
    certificate, key = await asyncio.to_thread(authority.issue, "radius", "radius.example")
    named: dict[str, Any] = {
        "certificate": certificate,
        "key": key,
        "authority": authority.file,
        "told": TOLD,
        "compared": compared,
    }
    async with AsyncExitStack() as stack:
        opened = freeradius(folder / "upstream", TUNNELS, users=USERS, secret=UPSTREAM_SECRET, **named)
        radius = await stack.enter_async_context(opened)
        directory = await stack.enter_async_context(asking(server(radius.address)))
        directory.inner_name_checked = checked
        store = await sqlite_store(template, folder)
        world = await stack.enter_async_context(in_process(store, came_back=directory.came_back, upstream=directory))
        await world.put(replace(a_client(pass_through=True, first_factor="nps"), **client))  # type: ignore[arg-type]
        await world.person("alice", method="tap", groups=("staff",))
        yield Way(world, radius, directory, folder)


def succeeded(printed: str) -> bool:
    return printed.splitlines()[-1] == "SUCCESS"


async def mschap(asker: Nas, name: str, password: str, *more: tuple[int, bytes]) -> tuple[bytes, Any]:
    """Send MS-CHAP version 2 as a VPN gateway does; gives the request and what the client remembers."""
    asked = answer(name, password)
    request = asker.bare_request((int(Attribute.USER_NAME), name.encode()), *asked.attributes, *more)
    asker.send(request)
    return request, asked


async def reply_to(asker: Nas, request: bytes) -> Packet:
    return asker.read(await asker.answer_to(request), request)


def microsoft(reply: Packet) -> dict[int, bytes]:
    values = [value for value in reply.all(Attribute.VENDOR_SPECIFIC) if value[:4] == MICROSOFT]
    return dict(pair for value in values for pair in inside(value))


# -- MS-CHAP --------------------------------------------------------------------------------------------------------


async def test_ms_chap_v2_is_proven_there_approved_here_and_its_keys_reach_the_client(
    template: Path, tmp_path: Path
) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        await way.world.group("staff", ("Filter-Id", "inside"), ("Class", "ours"))
        request, asked = await mschap(asker, "alice", "secret")
        await way.approve()
        reply = await reply_to(asker, request)
        assert reply.code == Code.ACCESS_ACCEPT
        assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
        challenge = asked.attributes[0][1][6:]
        made = Response(asked.identifier, challenge, asked.peer_challenge, asked.nt_response)
        proof = authenticator_response(made, "alice", hash_of_hash("secret")).encode()
        held = microsoft(reply)
        assert held[26] == bytes((asked.identifier,)) + proof
        keys = [reveal_salted(held[kind], SECRET, request[4:20]) for kind in (16, 17)]
        assert keys == list(session_keys(made, hash_of_hash("secret")))
        assert reply.all(Attribute.CLASS) == [b"ours"]  # what a group says goes before what the server says
        assert reply.all(Attribute.FILTER_ID) == [b"inside"]
        assert await way.reasons() == [("alice", None)]


async def test_radclients_ms_chap_and_chap_pass_as_well(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way:
        for proof in ('MS-CHAP-Password = "secret"', 'CHAP-Password = "secret"'):
            said = asyncio.create_task(radclient(way.world.radius, 'User-Name = "alice"', proof))
            await way.approve()
            assert (await said).packet == "Access-Accept", (await said).text


async def test_a_wrong_password_is_refused_as_all_else_and_told_in_the_journal(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        request, asked = await mschap(asker, "alice", "wrong")
        wrong = await reply_to(asker, request)
        request, _ = await mschap(asker, "nobody", "secret")
        nobody = await reply_to(asker, request)
        assert wrong.code == nobody.code == Code.ACCESS_REJECT
        assert [kind for kind, _ in wrong.attributes] == [kind for kind, _ in nobody.attributes]
        assert microsoft(wrong)[2].startswith(bytes((asked.identifier,)) + b"E=691 R=0 ")
        assert await way.reasons() == [("alice", Reason.WRONG_PASSWORD), ("nobody", Reason.UNKNOWN_USER)]
        entry, _ = await way.world.journal()
        assert "MS-CHAP error 691" in str(entry.detail)


async def test_the_words_of_the_other_server_stand_in_the_journal_only(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way:
        await way.world.person("frank", method="tap")
        said = await radclient(way.world.radius, 'User-Name = "frank"', 'MS-CHAP-Password = "secret"')
        assert said.packet == "Access-Reject"
        assert "locked" not in said.text
        (entry,) = await way.world.journal()
        assert "Your account is locked" in str(entry.detail)


@pytest.mark.requirement(40)
async def test_the_same_packet_gets_the_same_reply_and_asks_nobody_twice(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        request, _ = await mschap(asker, "alice", "secret")
        message = await way.world.postbox.next()
        asker.send(request)
        await way.world.approve(message)
        first = await asker.answer_to(request)
        asker.send(request)
        assert await asker.answer_to(request) == first
        assert way.answered == 1
        assert len(way.world.postbox.messages) == 1


async def test_wrong_passwords_make_the_place_wait_though_another_server_looks_at_them(
    template: Path, tmp_path: Path
) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        for _ in range(10):
            request, _ = await mschap(asker, "alice", "wrong")
            assert (await reply_to(asker, request)).code == Code.ACCESS_REJECT
        request, _ = await mschap(asker, "alice", "secret")
        assert (await reply_to(asker, request)).code == Code.ACCESS_REJECT
        assert (await way.reasons())[-1] == ("alice", Reason.THROTTLED)


# -- the second factor ----------------------------------------------------------------------------------------------


async def test_who_declines_is_refused_with_a_no_of_the_protocols_own(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        request, asked = await mschap(asker, "alice", "secret")
        await way.approve(DECLINED.reveal().decode())
        reply = await reply_to(asker, request)
        assert reply.code == Code.ACCESS_REJECT
        assert set(microsoft(reply)) == {2}  # no key, no proof
        assert microsoft(reply)[2][0] == asked.identifier
        assert await way.reasons() == [("alice", Reason.DECLINED)]


async def test_who_has_only_codes_to_type_is_refused_and_the_journal_says_why(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        await way.world.person("mallory")
        request, _ = await mschap(asker, "mallory", "mallorys")
        assert (await reply_to(asker, request)).code == Code.ACCESS_REJECT
        assert await way.reasons() == [("mallory", Reason.NO_USABLE_PROMPT)]


async def test_who_needs_no_second_factor_is_let_in_at_once(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        await way.world.person("mallory", method="", mfa=Mfa.OFF)
        request, _ = await mschap(asker, "mallory", "mallorys")
        reply = await reply_to(asker, request)
        assert reply.code == Code.ACCESS_ACCEPT
        assert {16, 17, 26} <= set(microsoft(reply))


@pytest.mark.requirement(42)
async def test_without_the_switch_nothing_is_asked_and_nobody_gets_in(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path, pass_through=False) as way, nas(way.world.radius) as asker:
        request, _ = await mschap(asker, "alice", "secret")
        assert (await reply_to(asker, request)).code == Code.ACCESS_REJECT
        assert "see pass_through" in str((await way.world.log.line("no password field"))["detail"])
        printed = await way.eap("EAP-MSCHAPv2")
        assert not succeeded(printed)
        assert "EAP: Received EAP-Failure" in printed
        assert way.answered == 0


# -- EAP ------------------------------------------------------------------------------------------------------------


async def signed_in(way: Way, method: str, outer: str = "", *, said: str = "") -> bool:
    """Let eapol_test sign alice in, and answer the question that comes."""
    printed = asyncio.create_task(way.eap(method, outer=outer))
    await way.approve(said)
    return succeeded(await printed)


@pytest.mark.parametrize("method", METHODS)
async def test_eap_passes_over_all_its_rounds_and_ends_with_the_keys(
    template: Path, tmp_path: Path, method: str
) -> None:
    async with through(template, tmp_path) as way:
        assert await signed_in(way, method)
        assert await way.reasons() == [("alice", None)]
        wrong = await way.eap(method, password="wrong")
        assert not succeeded(wrong)
        assert (await way.reasons())[1:] == [("alice", Reason.WRONG_PASSWORD)]


@pytest.mark.parametrize("method", ["EAP-MSCHAPv2", "PEAP", "TTLS"])
async def test_an_eap_conversation_ends_with_a_failure_when_the_approval_is_declined(
    template: Path, tmp_path: Path, method: str
) -> None:
    async with through(template, tmp_path) as way:
        printed = asyncio.create_task(way.eap(method))
        await way.approve(DECLINED.reveal().decode())
        assert not succeeded(await printed)
        assert "EAP: Received EAP-Failure" in await printed
        assert await way.reasons() == [("alice", Reason.DECLINED)]


@pytest.mark.parametrize("method", ["PEAP", "TTLS"])
async def test_the_name_inside_of_the_tunnel_is_whose_approval_is_asked(
    template: Path, tmp_path: Path, method: str
) -> None:
    async with through(template, tmp_path) as way:
        assert await signed_in(way, method, outer="anonymous")
        assert await way.reasons() == [("alice", None)]


@pytest.mark.parametrize("method", ["PEAP", "TTLS"])
async def test_nobody_gets_in_with_anothers_password_and_his_own_approval(
    template: Path, tmp_path: Path, method: str
) -> None:
    """Mallory knows the password of alice; FreeRADIUS tells the name outside of the tunnel, and the one inside too."""
    async with through(template, tmp_path, compared="", checked=False) as way:
        await way.world.person("mallory", method="tap")
        assert not succeeded(await way.eap(method, outer="mallory"))
        assert await way.reasons() == [("mallory", Reason.UNKNOWN_USER)]
        assert way.world.postbox.messages == []
        (entry,) = await way.world.journal()
        assert "nobody can tell whom" in str(entry.detail)


async def test_a_server_that_compares_both_names_refuses_another_by_itself(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way:
        await way.world.person("mallory", method="tap")
        assert not succeeded(await way.eap("PEAP", outer="mallory"))
        assert await way.reasons() == [("mallory", Reason.WRONG_PASSWORD)]


@pytest.mark.requirement(38)
async def test_eap_without_its_signature_is_dropped_also_of_an_excepted_client(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path, require_message_authenticator=False) as way, nas(way.world.radius) as asker:
        identity = (int(Attribute.EAP_MESSAGE), b"\x02\x01\x00\x0a\x01alice")
        asker.send(asker.bare_request((int(Attribute.USER_NAME), b"alice"), identity, signed=False))
        await way.world.log.line("not authentic")
        assert way.answered == 0


async def test_a_state_that_the_client_made_up_is_dropped(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way, nas(way.world.radius) as asker:
        identity = (int(Attribute.EAP_MESSAGE), b"\x02\x01\x00\x0a\x01alice")
        state = (int(Attribute.STATE), bytes(16))
        asker.send(asker.bare_request((int(Attribute.USER_NAME), b"alice"), identity, state))
        line = await way.world.log.line("malformed")
        assert "none that this client was given" in str(line["detail"])
        assert way.answered == 0


async def test_a_server_that_is_away_leaves_the_client_without_an_answer(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path, time_budget=2.0) as way, nas(way.world.radius) as asker:
        way.radius.pause()
        await mschap(asker, "alice", "secret")
        assert "no answer within" in str((await way.world.log.line("unavailable"))["detail"])
        way.radius.resume()
        assert await way.reasons() == []


async def test_pap_goes_on_as_before(template: Path, tmp_path: Path) -> None:
    async with through(template, tmp_path) as way:
        said: Said = await radclient(way.world.radius, 'User-Name = "alice"', 'User-Password = "wrong"')
        assert said.packet != "Access-Accept"
