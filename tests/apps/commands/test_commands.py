"""Commands by name, on a whole installation: what they take, what they refuse, and that all of them are described."""

import inspect
import json
import re
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

import vestibule.apps.commands
from tests.apps.installation import Installation
from vestibule.apps.commands.arguments import PROGRESS, parameters
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.commands.table import FLOWS
from vestibule.apps.pieces import Pieces
from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Conflict
from vestibule.wire.otpauth import read_key

ACTOR = "uid 0 (root)"
PAGE = vestibule.apps.commands.__doc__ or ""
BESIDE = re.compile(r" *(\{.*?\}|\(.*?\)|\[+.*?\]+)")  # what stands in brackets is not an argument
RIGHT = "a few words in a row"


@pytest.fixture
async def pieces(installation: Installation) -> Pieces:
    return await installation.open()


@pytest.fixture
async def commands(pieces: Pieces) -> Commands:
    return Commands(pieces)


async def run(commands: Commands, name: str, /, **arguments: object) -> dict[str, Any]:
    result = await commands.run(name, arguments, ACTOR)
    assert json.loads(json.dumps(result)) == result
    return result


async def refusal(commands: Commands, name: str, /, **arguments: object) -> CommandFailed:
    with pytest.raises(CommandFailed) as failed:
        await commands.run(name, arguments, ACTOR)
    return failed.value


async def test_everything_that_can_be_run_is_described_with_its_arguments(commands: Commands) -> None:
    described = PAGE[PAGE.index("user.add  ") :]
    texts = dict(re.findall(r"^([a-z_]+(?:\.[a-z]+)?) +([^→]*)→", described, re.MULTILINE))
    assert list(texts) == list(commands.names)
    for name in FLOWS.keys() - {"client.set"}:  # described by those of client.add
        said = re.findall(r"(?:^|, )(\w+)(\?)?", BESIDE.sub("", " ".join(texts[name].split())))
        wanted = [(one.name, one.default is not one.empty) for one in parameters(FLOWS[name]).values()]
        assert sorted((one, bool(optional)) for one, optional in said) == sorted(wanted), name


@pytest.mark.parametrize("name", FLOWS)
def test_every_flow_takes_the_desk_the_actor_and_typed_arguments(name: str) -> None:
    first, second, *others = inspect.signature(FLOWS[name]).parameters.values()
    assert (first.name, second.name) == ("desk", "actor")
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in others)
    assert all(one.name == PROGRESS or one.name in parameters(FLOWS[name]) for one in others)


async def test_a_command_that_is_not_known_is_refused(commands: Commands) -> None:
    failed = await refusal(commands, "user.fly")
    assert (failed.kind, failed.text) == ("refused", "There is no command user.fly.")


@pytest.mark.parametrize(
    ("name", "arguments", "field", "text"),
    [
        ("user.add", {}, "name", "missing"),
        ("user.add", {"name": None}, "name", "missing"),
        ("user.add", {"name": "a", "colour": 1}, "colour", "no argument colour"),
        ("user.add", {"name": 7}, "name", "must be a text"),
        ("user.add", {"name": "half \ud800"}, "name", "must be a text"),
        ("user.add", {"name": "a", "groups": "staff"}, "groups", "a list of texts"),
        ("user.add", {"name": "a", "groups": [1]}, "groups", "a list of texts"),
        ("user.set", {"name": "a", "changes": []}, "changes", "an object"),
        ("user.remove", {"name": "a", "erase": 1}, "erase", "true or false"),
        ("user.block", {"name": "a", "reason": "r", "days": float("inf")}, "days", "a number"),
        ("user.block", {"name": "a", "reason": "r", "days": True}, "days", "a number"),
        ("user.list", {"limit": 1.5}, "limit", "a whole number"),
        ("user.list", {"limit": False}, "limit", "a whole number"),
        ("group.add", {"name": "a", "reply_attributes": ["Class=x"]}, "reply_attributes", "pairs of texts"),
        ("token.import", {"content": "eA==", "file_name": "f", "progress": 1}, "progress", "no argument progress"),
        ("token.import", {"content": "x", "file_name": "f"}, "content", "must be octets in Base64"),
        ("token.import", {"content": "eA==", "file_name": "f", "key": "ä"}, "key", "must be octets in Base64"),
        ("status", {"desk": 1}, "desk", "Known are: none"),
    ],
)
async def test_arguments_are_held_against_the_flow(
    commands: Commands, name: str, arguments: dict[str, Any], field: str, text: str
) -> None:
    failed = await refusal(commands, name, **arguments)
    assert failed.kind == "refused"
    assert failed.fields == (field,)
    assert text in failed.text


async def test_what_is_left_out_and_what_is_null_are_the_same(commands: Commands) -> None:
    told = await run(commands, "user.add", name="alice", password=None, groups=None)
    assert told["user"]["name"] == "alice"
    assert (await run(commands, "status"))["users"] == 1


async def test_progress_is_told(commands: Commands) -> None:
    seen: list[tuple[int, int | None]] = []
    arguments = {"content": "name\nalice\nbob\n", "file_name": "users.csv"}
    await commands.run("user.import", arguments, ACTOR, lambda done, total: seen.append((done, total)))
    assert seen == [(2, 4)]
    assert (await run(commands, "user.import", **arguments))["unchanged"] == 2


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Malformed("where"), "malformed"), (Unavailable("away"), "unavailable"), (Conflict("taken"), "refused")],
)
async def test_what_goes_wrong_has_its_kind(commands: Commands, error: Exception, kind: str) -> None:
    failed = await refusal(broken(commands, error), "status")
    assert failed.kind == kind
    assert str(error) in failed.text


@pytest.mark.requirement(47)
async def test_a_bug_is_logged_by_place_and_never_by_value(commands: Commands) -> None:
    with capture_logs() as logged:
        failed = await refusal(broken(commands, KeyError("canary-7f3a")), "status")
    (line,) = logged
    assert failed.kind == "bug"
    assert line["reference"] in failed.text
    assert (line["command"], line["error"]) == ("status", "KeyError")
    assert "test_commands.py" in line["places"][-1]
    assert "canary" not in f"{logged}{failed.text}"


@pytest.mark.requirement(47)
async def test_no_secret_is_in_a_result_but_where_it_is_shown_once(commands: Commands) -> None:
    made = await run(commands, "client.add", name="vpn", networks=["127.0.0.1"])
    await run(commands, "user.add", name="alice", password=RIGHT)
    token = await run(commands, "token.add", user="alice", serial="A1")
    codes = await run(commands, "recovery.issue", user="alice")
    marks = [made["secret"], token["secret"], codes["codes"][0], RIGHT]
    arguments: dict[str, dict[str, Any]] = {
        "user.list": {},
        "user.show": {"name": "alice"},
        "token.list": {},
        "token.show": {"token": "A1"},
        "token.export": {},
        "client.list": {},
        "client.show": {"id": "vpn"},
        "setting.list": {},
        "journal.list": {},
        "journal.verify": {},
        "status": {},
    }
    for name, given in arguments.items():
        told = json.dumps(await run(commands, name, **given))
        assert not [mark for mark in marks if mark in told], name


async def test_a_sign_in_from_the_terminal_is_decided_like_any_other(commands: Commands, pieces: Pieces) -> None:
    await run(commands, "client.add", name="vpn", networks=["127.0.0.1"])
    await run(commands, "user.add", name="alice", password=RIGHT)
    key = read_key((await run(commands, "token.add", user="alice", serial="A1"))["secret"]).reveal()
    wrong = await run(commands, "verify", user="alice", client="vpn", typed="something else")
    assert wrong == {"decision": "reject", "reason": "wrong_password"}
    asked = await run(commands, "verify", user="ALICE", client="vpn", typed=RIGHT)
    assert asked["decision"] == "ask"
    journal = (await run(commands, "journal.list", limit=1000))["lines"]
    code = hotp(key, time_step(journal[-1]["at"], 30), 6, Algorithm.SHA1)
    accepted = await run(commands, "verify", user="alice", client="vpn", typed=code, state=asked["state"])
    assert accepted == {"decision": "accept", "user": "alice", "groups": []}
    again = await run(commands, "verify", user="alice", client="vpn", typed=code, state=asked["state"])
    assert again == {"decision": "reject", "reason": "unknown_attempt"}
    assert (await refusal(commands, "verify", user="alice", client="vpn", typed=code, state="x")).fields == ("state",)
    assert (await refusal(commands, "verify", user="alice", client="none", typed=code)).fields == ("client",)
    assert (await run(commands, "verify", user="nobody", client="vpn", typed="x"))["reason"] == "unknown_user"


async def test_the_journal_of_a_day_is_intact_and_names_who_acted(commands: Commands) -> None:
    await run(commands, "user.add", name="alice")
    await run(commands, "setting.set", name="limits.source_tries", value="7")
    found = await run(commands, "journal.verify")
    assert (found["intact"], found["lines"]) == (True, 2)
    lines = (await run(commands, "journal.list", kind="administration"))["lines"]
    assert [(line["action"], line["actor"]) for line in lines] == [("user.add", ACTOR), ("setting.set", ACTOR)]
    assert lines[0]["server_name"] == "mfa1"


def broken(commands: Commands, error: Exception) -> Commands:
    """Commands whose `status` ends in this error."""

    async def flow(desk: object, actor: str) -> dict[str, Any]:
        raise error

    other = object.__new__(Commands)
    cast("Any", other)._desk = None
    cast("Any", other)._flows = {"status": flow}
    return other
