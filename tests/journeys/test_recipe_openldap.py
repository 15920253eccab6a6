"""docs/recipes/openldap.md: people of a real OpenLDAP are taken over, and sign in with its password and a code."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.directories.ldap.slapd import BASE, CONFIGURATION, SEARCHER, SEARCHER_SECRET, Slapd, everybody
from tests.journeys.nas import Said, radclient
from tests.journeys.recipes import CLIENT, HERE, Person, Recipe, Site, assert_shown, filled, opened

pytestmark = [
    pytest.mark.directories,
    pytest.mark.skipif(shutil.which("slapd", path="/usr/sbin") is None, reason="Debian's package slapd is missing"),
]


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    server = Slapd.made(everybody())
    yield server
    server.remove()


def ask(site: Site, secret: str, typed: str, state: str = "") -> Said:
    lines = ['User-Name = "anna"', f'User-Password = "{typed}"', *([f"State = {state}"] if state else [])]
    return asyncio.run(radclient((HERE, site.radius), *lines, secret=secret.encode()))


def follow(site: Site, slapd: Slapd, folder: Path) -> str:
    """Run the commands of the page with the file of the page; the secret of the client."""
    recipe = Recipe.named("openldap")
    gaps = {
        "ldaps://ldap.example.org": f"ldaps://localhost:{slapd.tls_port}",
        "/etc/vestibule/ldap-ca.pem": str(slapd.certificates.authority),
    }
    file = folder / "people.toml"
    file.write_text(recipe.file("/etc/vestibule/people.toml", gaps))
    for command in recipe.commands():
        words = [str(file) if word.startswith("/etc/") else word for word in command.words[1:]]
        if words[0] == "client":
            break
        done = site.terminal.run(*words, given=f"{SEARCHER_SECRET.reveal().decode()}\n")
        assert_shown(command, done.stdout, {})
        assert not done.returncode or "somebody else answers" in done.stdout, done.stderr
    return site.follow(recipe, {CLIENT: HERE}, only="ldap-vpn")["ldap-vpn"]


def test_what_the_page_adds_to_slapd_is_what_our_slapd_has() -> None:
    given = CONFIGURATION.format(folder="", certificates="", base=BASE, searcher=SEARCHER, root="")
    for line in Recipe.named("openldap").files["slapd.conf, additions"].splitlines():
        assert line in given.splitlines()


def test_a_person_of_openldap_signs_in(slapd: Slapd, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with opened(tmp_path / "server") as site:
        secret = follow(site, slapd, tmp_path)
        anna = Person("anna")
        site.give_token(anna)
        asked = ask(site, secret, "annas password")
        assert asked.packet == "Access-Challenge"
        state = asked.attributes["State"][0]
        assert ask(site, secret, anna.press(), state).packet == "Access-Accept"
        assert ask(site, secret, "another password").packet == "Access-Reject"
        assert site.reasons() == ["accepted", "wrong_password"]


def test_a_gap_that_the_page_does_not_have_is_an_error() -> None:
    with pytest.raises(AssertionError, match="does not stand in"):
        filled("one", {"two": "three"})
