"""Mail by SMTP: the contract over STARTTLS, and what never goes in the clear."""

import json
import ssl
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.channels.fakes.smtp import PASSWORD, USER, FakeSmtp
from tests.conformance.provider_suite import MAIL, NOW, SEND_ID, TEXT, Act, ProviderSuite, free_port, outgoing, soon
from tests.journeys.certificates import Authority
from vestibule.apps.channels.smtp import SmtpKind
from vestibule.channels.smtp import Mail
from vestibule.core.delivery import Destination, Fault, Medium, Outcome, Outgoing
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

SETTINGS = {"host": "127.0.0.1", "sender": "signin@example.org", "user": USER}


def opened(port: int, **more: object) -> Mail:
    kind, secret = SmtpKind(lambda: NOW), Secret.of(PASSWORD)
    kept = json.dumps(dict(kind.checked("mail", SETTINGS | {"port": port} | more, secret)))
    return kind.open(ProviderRecord("mail", "smtp", kept, secret), "")


class SmtpRig:
    medium = Medium.MAIL
    secret = PASSWORD

    def __init__(self, fake: FakeSmtp, ca_file: str, security: str) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self._more = {"ca_file": ca_file, "security": security}
        self.provider = self.at(fake.port)

    def at(self, port: int) -> Mail:
        return opened(port, **self._more)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """The file of a certificate authority, and the context of a server that it signed for."""
    made = Authority.made(tmp_path_factory.mktemp("certificates") / "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made.issue("mail", address="127.0.0.1"))
    return made.file, context


@pytest.fixture(params=["starttls", "tls"])
async def rig(request: pytest.FixtureRequest, authority: tuple[Path, ssl.SSLContext]) -> AsyncIterator[SmtpRig]:
    ca_file, context = authority
    async with FakeSmtp(context, at_once=request.param == "tls") as fake:
        yield SmtpRig(fake, str(ca_file), request.param)


class TestSmtp(ProviderSuite):
    """The whole contract; SMTP says that it is for now, not for how long."""

    says_patience = False


async def test_the_mail_says_what_it_is(rig: SmtpRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.MAIL), soon())
    (mail,) = rig.fake.mails
    assert mail["Message-ID"] == f"<{SEND_ID}@example.org>"
    assert sent.reference == f"{SEND_ID}@example.org"
    assert (mail["To"], mail["From"], mail["Subject"]) == (MAIL, "Example <signin@example.org>", "Sign-in")
    assert parsedate_to_datetime(mail["Date"]).timestamp() == NOW
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "en")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().startswith("493817")


async def test_nothing_is_said_before_the_connection_is_encrypted(rig: SmtpRig) -> None:
    await rig.provider.send(outgoing(Medium.MAIL), soon())
    said = [line.partition(" ")[0] for line in rig.fake.said]
    if rig._more["security"] == "starttls":
        assert said[:2] == ["EHLO", "STARTTLS"]
    assert [word for word in said if word not in ("EHLO", "STARTTLS")] == ["AUTH", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("line", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("place", ["subject", "organisation", "address", "sender"])
async def test_a_header_takes_no_second_line(rig: SmtpRig, place: str, line: str) -> None:
    evil = f"x{line}Bcc: everybody@example.org"
    given = Outgoing(
        SEND_ID,
        Medium.MAIL,
        Destination(f"{MAIL}{evil}" if place == "address" else MAIL),
        evil if place == "sender" else "",
        Secret.of(TEXT),
        60.0,
        subject=evil if place == "subject" else "Sign-in",
        organisation=evil if place == "organisation" else "",
    )
    sent = await rig.provider.send(given, soon())
    assert sent.outcome is Outcome.REJECTED
    assert rig.fake.said == [] or not any("everybody" in line for line in rig.fake.said)
    assert rig.fake.mails == []


async def test_lines_that_begin_with_a_dot_stay_what_they_are(rig: SmtpRig) -> None:
    await rig.provider.send(outgoing(Medium.MAIL, text="493817\n.\n..\n.QUIT\n"), soon())
    assert rig.carried[0].text.splitlines() == ["493817", ".", "..", ".QUIT"]


async def test_a_server_that_offers_no_encryption_gets_no_password(authority: tuple[Path, ssl.SSLContext]) -> None:
    async with FakeSmtp(authority[1], offers_tls=False) as fake:
        provider = opened(fake.port, ca_file=str(authority[0]))
        sent = await provider.send(outgoing(Medium.MAIL), soon())
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.CONFIGURATION)
    assert not [line for line in fake.said if line.startswith(("AUTH", "MAIL"))]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_with_a_strange_certificate_gets_nothing(
    authority: tuple[Path, ssl.SSLContext], security: str
) -> None:
    async with FakeSmtp(authority[1], at_once=security == "tls") as fake:
        provider = opened(fake.port, security=security)
        sent = await provider.send(outgoing(Medium.MAIL), soon())
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)
    assert not [line for line in fake.said if line.startswith(("AUTH", "MAIL"))]


async def test_a_wrong_password_is_the_configuration(authority: tuple[Path, ssl.SSLContext]) -> None:
    async with FakeSmtp(authority[1], at_once=True) as fake:
        provider = opened(fake.port, ca_file=str(authority[0]), security="tls", user="somebody")
        sent = await provider.send(outgoing(Medium.MAIL), soon())
    assert (sent.outcome, sent.fault, sent.code) == (Outcome.REJECTED, Fault.CONFIGURATION, "535")


async def test_the_server_on_this_machine_may_be_plain() -> None:
    async with FakeSmtp() as fake:
        provider = opened(fake.port, security="plain", user="")
        sent = await provider.send(outgoing(Medium.MAIL), soon())
    assert (sent.outcome, len(fake.mails)) == (Outcome.ACCEPTED, 1)


async def test_a_deadline_in_the_middle_of_the_text_leaves_it_unknown(rig: SmtpRig) -> None:
    rig.next(Act.HANG)
    sent = await rig.provider.send(outgoing(Medium.MAIL), soon(0.5))
    assert (sent.outcome, len(rig.carried)) == (Outcome.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sender": "example.org"}, "is no e-mail address"),
        ({"sender": 'a"<b@example.org'}, "is no e-mail address"),
        ({"security": "none"}, "security"),
        ({"security": "plain", "host": "mail.example.org"}, "does not go over the network in plain"),
        ({"ca_file": "/nowhere.pem"}, "nowhere"),
        ({"host": "mail.example.org:25"}, "host"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(Malformed, match=words):
        SmtpKind(lambda: NOW).checked("mail", SETTINGS | settings, Secret.of(PASSWORD))


def test_a_user_without_a_password_is_not_set_up() -> None:
    with pytest.raises(Malformed, match="password of vestibule"):
        SmtpKind(lambda: NOW).checked("mail", SETTINGS | {"port": free_port()}, Secret(b""))
