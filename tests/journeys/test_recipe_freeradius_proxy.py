"""docs/recipes/freeradius-proxy.md: FreeRADIUS sends on what a client that signs nothing asks, and its accounting."""

from pathlib import Path

import pytest

from tests.journeys.freeradius import freeradius
from tests.journeys.nas import radclient
from tests.journeys.recipes import CLIENT, HERE, PASSWORD, SECRET, SERVER, Recipe, free_port, opened

pytestmark = pytest.mark.directories

THEIRS = "secret-of-the-vpn"


def configuration(recipe: Recipe, radius: int, port: int, secret: str) -> str:
    """The file of the page with its ports, its braces doubled for the frame that it goes into."""
    gaps = {
        "ipaddr = 192.0.2.20": f"ipaddr = {HERE}",
        f"ipaddr = {SERVER}\n    port = 1812": f"ipaddr = {HERE}\n    port = {radius}",
        "ipaddr = *\n        port = 1812": f"ipaddr = {HERE}\n        port = {port}",
        "ipaddr = *\n        port = 1813": f"ipaddr = {HERE}\n        port = {port + 1}",
        "SECRET-OF-THE-VPN": THEIRS,
        SECRET: secret,
    }
    text = recipe.file("/etc/freeradius/3.0/sites-enabled/vestibule", gaps)
    return text.replace("{", "{{").replace("}", "}}")


async def test_a_question_an_answer_and_a_session_go_through(tmp_path: Path) -> None:
    recipe, port = Recipe.named("freeradius-proxy"), free_port()
    (tmp_path / "server").mkdir()
    with opened(tmp_path / "server") as site:
        secret = site.follow(recipe, {CLIENT: HERE}, only="proxy")["proxy"]
        text = configuration(recipe, site.radius, port, secret)
        async with freeradius(tmp_path / "proxy", text):

            async def ask(*lines: str, kind: str = "auth") -> str:
                name = ('User-Name = "alice"', 'NAS-Identifier = "vpn"')
                where = HERE, port + (kind == "acct")
                said = await radclient(where, *name, *lines, kind=kind, secret=THEIRS.encode(), signed=False)
                return f"{said.packet} {said.attributes.get('State', [''])[0]}"

            packet, _, state = (await ask(f'User-Password = "{PASSWORD}"')).partition(" ")
            assert packet == "Access-Challenge"
            code = site.alice.press()
            answer = (f'User-Password = "{code}"', f"State = {state}")
            assert (await ask(*answer)).startswith("Access-Accept")
            assert (await ask(*answer)).startswith("Access-Reject")
            started = ("Acct-Status-Type = Start", 'Acct-Session-Id = "one"')
            assert (await ask(*started, kind="acct")).startswith("Accounting-Response")
        site.wait_for_report("start")
        assert site.reasons() == ["accepted", "unknown_attempt"]
