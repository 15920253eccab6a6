"""Every command of ours on the pages of docs/recipes is run as it stands there, and says what the page shows."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Terminal
from tests.house.sources import ROOT
from tests.journeys.certificates import Authority
from tests.journeys.recipes import GIVEN, PAGES, Command, Recipe, Site, assert_shown, opened

NAMES = sorted(path.stem for path in PAGES.glob("*.md"))
RUN, NOT_RUN = "**Run by our tests**", "**Not run by our"
FARAWAY = ("directory", "test"), ("directory", "sync")
NOBODY, IMPATIENT = "ldaps://127.0.0.1:1", 'patience = 1\nhost = "127.0.0.'
FAILED, UNAVAILABLE = 1, 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("server")) as site:
        yield site


def put_files(recipe: Recipe, folder: Path) -> dict[str, str]:
    """Write the files that commands of the page read, and tell where each is now; their servers are none of ours."""
    authority = Authority.made(folder / "ca").file
    places = {}
    for title, text in recipe.files.items():
        if title.startswith("/etc/vestibule/"):
            place = folder / Path(title).name
            with_authority = re.sub(r"/etc/vestibule/[\w-]+\.pem", str(authority), text)
            place.write_text(re.sub(r"ldaps://[^\"]+", NOBODY, with_authority).replace('host = "192.0.2.', IMPATIENT))
            places[title] = str(place)
    return places


def run(site: Site, command: Command, places: dict[str, str]) -> None:
    """Run one; of those that ask a server far away only the form is right or wrong."""
    words = [places.get(word, word) for word in command.words[1:]]
    if tuple(words[:2]) in FARAWAY:
        done = site.terminal.run(*words, given=f"{GIVEN}\n")
        assert done.returncode in (FAILED, UNAVAILABLE), done.stderr
    else:
        assert_shown(command, site.run(*words, given=f"{GIVEN}\n").stdout, {})


def clear(site: Site, recipe: Recipe) -> None:
    """Take away what the next page would stumble over, for all have the same addresses."""
    added = [command.words[1:4] for command in recipe.commands() if command.words[2:3] == ("add",)]
    for kind in ("policy", "api-key", "client"):
        for name in [name for one, _, name in added if one == kind]:
            site.run(kind, "remove", name, "--yes")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_ours_works_and_says_what_the_page_shows(site: Site, name: str, tmp_path: Path) -> None:
    recipe = Recipe.named(name)
    places = put_files(recipe, tmp_path)
    for command in recipe.commands():
        if command.vestibule:
            run(site, command, places)
    clear(site, recipe)


@cache
def known_options(*words: str) -> str:
    """What a command says of itself."""
    done = Terminal({}).run(*words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_commands_of_ours_within_the_text_have_the_right_form(name: str) -> None:
    for words in Recipe.named(name).mentioned():
        known = known_options(*words[1:3])
        for word in words[1:]:
            assert not word.startswith("--") or re.search(rf"{word}\b", known), shlex.join(words)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "index"])
def test_a_page_says_whether_it_is_run_and_tells_the_truth(name: str) -> None:
    text = " ".join(Recipe.named(name).text.split())
    run_by = ROOT / "tests" / "journeys" / f"test_recipe_{name.replace('-', '_')}.py"
    assert (RUN.lower() in text.lower()) == run_by.exists() == (NOT_RUN not in text)


def test_the_list_of_recipes_is_whole_and_right() -> None:
    rows = [line for line in Recipe.named("index").text.splitlines() if line.startswith("| [")]
    listed = {row.partition("](")[2].partition(".md)")[0]: row.rstrip(" |").endswith("yes") for row in rows}
    assert listed == {name: NOT_RUN not in Recipe.named(name).text for name in NAMES if name != "index"}
