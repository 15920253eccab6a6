"""`vestibule user`, second part: roles, and the ways in for people whose factors are not at hand."""

import time
from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson
from vestibule.apps.cli.output import listed, moment, once, say, table, write_json
from vestibule.apps.cli.running import ask
from vestibule.core.users import Role

User = Annotated[str, typer.Argument(metavar="USER", help="A name or an id.", show_default=False)]
MINUTE = 60.0
ROLES = ("none", *(role.value for role in Role if role))


def role(
    name: User,
    role: Annotated[str, typer.Argument(metavar="|".join(ROLES), help="What they may administer.", show_default=False)],
) -> None:
    """Give a user a role, or none. They need a second factor first."""
    user = ask("user.role", name=name, role=role)["user"]
    say(f"{user['name']} has no role now." if user["role"] == "none" else f"{user['name']} is {user['role']} now.")


def roles(json: AsJson = False) -> None:
    """List everybody who has a role."""
    users = ask("user.roles")["users"]
    if json:
        return write_json(users)
    rows = [(user["name"], user["role"], f"{user['first_name']} {user['last_name']}".strip()) for user in users]
    return table(("name", "role", "full name"), rows, "Nobody has a role. Make an owner with: vestibule owner link")


def sign_out(name: User) -> None:
    """Sign a user out of all browsers."""
    say(f"Ended {ask('user.signout', name=name)['ended']} sessions of {name}.")


def reregister(
    name: User,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; the journal keeps it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
) -> None:
    """Take all factors of a user away; they register anew."""
    from vestibule.apps.cli.asking import sure

    if not yes:
        ask("user.show", name=name)  # nobody is asked about what is not there
    sure(f"Take all factors of {name} away?", yes=yes)
    result = ask("user.reregister", name=name, reason=reason)
    say(f"{result['user']['name']} has no factors now and is asked to register.")
    if result["returned"]:
        say(f"Back in the inventory: {listed(result['returned'])}")
    say(f"A pass lets them in meanwhile: vestibule user pass {name}")


def check(
    name: User,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="How you know who is calling.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only say whether you have checked them.")] = False,
) -> None:
    """Check who is calling, by a code they tell you or a note."""
    from vestibule.apps.cli.asking import typed

    if show:
        one = ask("caller.show", user=name)["check"]
        say(
            f"Checked by {one['way']}, until {moment(one['until'])}." if one else "Not checked in the last ten minutes."
        )
        return
    result = ask("caller.check", user=name, note=note, code=None if note else typed("Code of the caller"))["check"]
    say(f"{result['user']} is known as the caller until {moment(result['until'])}.")


def pass_(
    name: User,
    minutes: Annotated[int | None, typer.Option(metavar="N", help="How long; else as the setting says.")] = None,
    starts_in: Annotated[int | None, typer.Option(metavar="MINUTES", help="Not at once, but later.")] = None,
    many: Annotated[bool, typer.Option("--many", help="Good as often as it is typed, not just once.")] = False,
    json: AsJson = False,
) -> None:
    """Make a temporary access pass, a second factor for a while."""
    begin = None if starts_in is None else time.time() + starts_in * MINUTE
    result = ask("pass.issue", user=name, minutes=minutes, once=not many, starts_at=begin)
    if json:
        return write_json(result)
    one = result["pass"]
    begins = f" from {moment(one['starts_at'])}" if one["starts_at"] else ""
    often = "once" if one["once"] else "as often as it is typed"
    say(f"{one['user']} is let in by it {often},{begins} until {moment(one['expires_at'])}.")
    return once({"Pass": result["code"]}, "Read it to them, after you have made sure who they are.")


def passes(name: User, json: AsJson = False) -> None:
    """Show a user's pass and bypass, never the letters."""
    found: dict[str, list[dict[str, Any]]] = {**ask("pass.list", user=name), **ask("bypass.list", user=name)}
    if json:
        return write_json(found)
    rows = [("pass", "good" if one["usable"] else "over", moment(one["expires_at"]), "") for one in found["passes"]]
    rows += [("bypass", "open", moment(one["until"]), one["reason"]) for one in found["bypasses"]]
    return table(("what", "state", "until", "reason"), rows, f"{name} has neither a pass nor a bypass.")


def revoke_pass(name: User) -> None:
    """End a user's pass, and their sessions."""
    say(f"Ended the pass of {ask('pass.revoke', user=name)['revoked']}.")


def bypass(
    name: User,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the journal keeps it.", show_default=False)],
    seconds: Annotated[int | None, typer.Option(metavar="N", help="How long, 60 to 3600; usually 300.")] = None,
) -> None:
    """Let the next sign-in pass without a second factor, once."""
    result = ask("bypass.grant", user=name, reason=reason, seconds=seconds)["bypass"]
    say(f"The next sign-in of {result['user']} passes with the password alone, until {moment(result['until'])}.")


def cancel_bypass(name: User) -> None:
    """End a bypass that was not used yet."""
    say(f"Ended the bypass of {ask('bypass.cancel', user=name)['cancelled']}.")


def add_to(app: typer.Typer) -> None:
    """Make these commands part of `vestibule user`."""
    for command in (role, roles, sign_out, reregister, check, passes, revoke_pass, bypass, cancel_bypass):
        app.command()(command)
    app.command("pass")(pass_)
