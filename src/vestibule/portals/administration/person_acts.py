"""What administration does to one person: change, block, sign out, give a pass, take everything for a fresh start."""

from datetime import UTC, datetime

from vestibule.core.users import Mfa, Role
from vestibule.flows import access_pass, bypass, people, roles, tokens, users
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.acts import Act, Field, Place, ShownOnce, Subject, typed, whole
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

NAMES = (
    Field("first_name", marked("First name"), required=False),
    Field("last_name", marked("Last name"), required=False),
    Field("email", marked("E-mail address"), "email", required=False),
    Field("phone", marked("Telephone number"), required=False, longest=40),
    Field("locale", marked("Language"), "choose", options=(("en", "English"), ("nl", "Nederlands"), ("th", "ไทย"))),
    Field(
        "groups",
        marked("Groups"),
        "area",
        marked("One on each line. A group is made under Policy before somebody is put into it."),
        required=False,
    ),
    Field(
        "mfa",
        marked("Second factor"),
        "choose",
        marked("With “not asked” the password alone is enough, everywhere."),
        options=(
            (Mfa.ENABLED.value, marked("asked; not registered yet")),
            (Mfa.ENFORCED.value, marked("asked and registered")),
            (Mfa.OFF.value, marked("not asked")),
        ),
    ),
)
"""What is known of a person beside their name; the same fields make a new one."""

NOT_A_TIME = marked("Choose a day and a time.")
PASS_TEXT = marked(
    "{name} signs in with the password and then types this pass where a code is asked, until {until} UTC."
)
CODES_TEXT = marked("Ten codes for {name}. Each one signs in once; all earlier ones are void.")

ROLES = (
    ("none", marked("none: their own factors only")),
    (Role.HELPDESK.value, marked("helpdesk: people and their factors, after a check of who calls")),
    (Role.AUDITOR.value, marked("auditor: sees all, changes nothing")),
    (Role.ADMINISTRATOR.value, marked("administrator: everything but roles")),
    (Role.OWNER.value, marked("owner: everything")),
)


async def find(visit: Visit, name: str) -> Subject:
    """The person whom the address names."""
    user = (await people.show(visit.desk, name)).user
    values = {one.name: str(getattr(user, one.name)) for one in NAMES if one.name not in {"groups", "mfa"}}
    values |= {"name": user.name, "groups": "\n".join(user.groups), "mfa": user.mfa.value, "role": user.role or "none"}
    return Subject(user.id, user.name, f"/admin/people/{user.id}", user.id, values)


def changes(visit: Visit) -> dict[str, object]:
    """What was typed into the fields of a person."""
    plain: dict[str, object] = {one.name: typed(visit, one.name) for one in NAMES if one.name != "groups"}
    groups = [line.strip() for line in typed(visit, "groups").splitlines() if line.strip()]
    return {**plain, "groups": groups}


async def _change(visit: Visit, person: Subject) -> None:
    """Only what was changed here, so that nobody else's change is undone."""
    wanted = {"name": typed(visit, "name"), **changes(visit)}
    now = {**person.values, "groups": person.values["groups"].splitlines()}
    changed = {name: value for name, value in wanted.items() if value != now[name]}
    await users.change(visit.desk, visit.who.actor, name=person.id, changes=changed)


async def _block(visit: Visit, person: Subject) -> None:
    days = float(whole(visit, "days", marked("Days")))
    await users.block(visit.desk, visit.who.actor, name=person.id, reason=typed(visit, "reason"), days=days)


async def _unblock(visit: Visit, person: Subject) -> None:
    await users.unblock(visit.desk, visit.who.actor, name=person.id)


async def _sign_out(visit: Visit, person: Subject) -> None:
    await users.end_sessions(visit.desk, visit.who.actor, name=person.id)


async def _end_delays(visit: Visit, person: Subject) -> None:
    await users.reset(visit.desk, visit.who.actor, name=person.id)


async def _start_afresh(visit: Visit, person: Subject) -> None:
    reason = typed(visit, "reason")
    await users.require_registration(visit.desk, visit.who.actor, name=person.id, reason=reason)


async def _password(visit: Visit, person: Subject) -> None:
    await users.set_password(visit.desk, visit.who.actor, name=person.id, password=visit.form.get("password", ""))


async def _role(visit: Visit, person: Subject) -> None:
    await roles.give(visit.desk, visit.who.actor, name=person.id, role=typed(visit, "role"))


async def _pass(visit: Visit, person: Subject) -> ShownOnce:
    told = await access_pass.issue(
        visit.desk,
        visit.who.actor,
        user=person.id,
        minutes=whole(visit, "minutes", marked("Minutes")),
        once=typed(visit, "uses") != "many",
        starts_at=_moment(visit, "starts_at"),
    )
    until = datetime.fromtimestamp(told["pass"]["expires_at"], UTC).strftime("%Y-%m-%d %H:%M")
    text = visit.say(PASS_TEXT).format(name=person.name, until=until)
    return ShownOnce(text, ((visit.say(marked("Temporary access pass")), told["code"]),))


async def _revoke_pass(visit: Visit, person: Subject) -> None:
    await access_pass.revoke(visit.desk, visit.who.actor, user=person.id)


async def _bypass(visit: Visit, person: Subject) -> None:
    seconds = whole(visit, "minutes", marked("Minutes")) * 60
    await bypass.grant(visit.desk, visit.who.actor, user=person.id, reason=typed(visit, "reason"), seconds=seconds)


async def _cancel_bypass(visit: Visit, person: Subject) -> None:
    await bypass.cancel(visit.desk, visit.who.actor, user=person.id)


async def _recovery(visit: Visit, person: Subject) -> ShownOnce:
    told = await tokens.issue_recovery(visit.desk, visit.who.actor, user=person.id)
    text = visit.say(CODES_TEXT).format(name=person.name)
    return ShownOnce(text, ((visit.say(marked("Recovery codes")), "\n".join(told["codes"])),))


async def _token(visit: Visit, person: Subject) -> None:
    pending = typed(visit, "pending") == "yes"
    serial = typed(visit, "serial", 128)
    await tokens.assign(visit.desk, visit.who.actor, token=serial, user=person.id, pending=pending)


async def _remove(visit: Visit, person: Subject) -> None:
    if typed(visit, "name") != person.name:
        raise Refused(NOT_THE_NAME, "name")
    await users.remove(visit.desk, visit.who.actor, name=person.id, erase=typed(visit, "erase") == "yes")


NOT_THE_NAME = marked("Type the name of the person exactly as it stands above.")
REASON = Field("reason", marked("Reason"), hint=marked("It stands in the journal; write no secret into it."))


def _moment(visit: Visit, name: str) -> float | None:
    """The time of a field, in UTC; None for an empty one. Refused for what is no time."""
    text = typed(visit, name, 30)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refused(visit.say(NOT_A_TIME), name) from None


ACTS = (
    Act(
        "change",
        marked("Change what is known"),
        marked("A person who comes from a directory gets what stands there again at its next synchronisation."),
        marked("Keep the changes"),
        marked("The changes are kept."),
        Right.PEOPLE,
        _change,
        (Field("name", marked("Name to sign in with")), *NAMES),
    ),
    Act(
        "block",
        marked("Block"),
        marked("Every sign-in is refused until the block ends, and all browsers are signed out."),
        marked("Block"),
        marked("The account is blocked."),
        Right.PEOPLE,
        _block,
        (REASON, Field("days", marked("Days"), "number", default="90")),
        danger=True,
    ),
    Act(
        "unblock",
        marked("End the block"),
        marked("The person can sign in again at once, with the factors that they had."),
        marked("End the block"),
        marked("The block is ended."),
        Right.PEOPLE,
        _unblock,
    ),
    Act(
        "sessions",
        marked("Sign out everywhere"),
        marked("All browsers that are signed in here are signed out. What the person opened elsewhere stays open."),
        marked("Sign out everywhere"),
        marked("All browsers are signed out."),
        Right.PEOPLE,
        _sign_out,
    ),
    Act(
        "delays",
        marked("End the delays"),
        marked("Wrong tries are forgotten: factors that were stopped count again. Ask first who tried."),
        marked("End the delays"),
        marked("The delays are ended."),
        Right.FACTORS,
        _end_delays,
    ),
    Act(
        "password",
        marked("Set a password"),
        marked("It takes the place of the old one, and all browsers are signed out. Let the person change it."),
        marked("Set it"),
        marked("The password is set."),
        Right.FACTORS,
        _password,
        (Field("password", marked("New password"), "password"),),
    ),
    Act(
        "role",
        marked("Role"),
        marked("What this person may do in administration. Everybody with a role uses a second factor."),
        marked("Give this role"),
        marked("The role is given. They sign in anew."),
        Right.ROLES,
        _role,
        (Field("role", marked("Role"), "choose", options=ROLES),),
    ),
    Act(
        "pass",
        marked("Temporary access pass"),
        marked("A pass counts as a second factor for a while: for somebody who has none yet, or none at hand."),
        marked("Make a pass"),
        "",
        Right.FACTORS,
        _pass,
        (
            Field("minutes", marked("Minutes"), "number", marked("10 to 43,200; it ends then."), default="60"),
            Field(
                "uses",
                marked("It lets in"),
                "choose",
                options=(("once", marked("once")), ("many", marked("as often as it is typed"))),
            ),
            Field("starts_at", marked("From (UTC)"), "moment", marked("Empty: at once."), required=False),
        ),
    ),
    Act(
        "pass-end",
        marked("End the access pass"),
        marked("It lets nobody in any more, and all browsers are signed out."),
        marked("End it"),
        marked("The pass is ended."),
        Right.FACTORS,
        _revoke_pass,
        danger=True,
    ),
    Act(
        "bypass",
        marked("Let in once without a second factor"),
        marked("The next sign-in within these minutes passes by the password alone, one time. It is in the journal."),
        marked("Allow it once"),
        marked("The next sign-in passes by the password alone."),
        Right.FACTORS,
        _bypass,
        (REASON, Field("minutes", marked("Minutes"), "number", marked("1 to 60."), default="5")),
        danger=True,
    ),
    Act(
        "bypass-end",
        marked("End the bypass"),
        marked("A second factor is asked again at once."),
        marked("End it"),
        marked("The bypass is ended."),
        Right.FACTORS,
        _cancel_bypass,
    ),
    Act(
        "recovery",
        marked("Recovery codes"),
        marked("Ten codes that sign in once each are made and shown one time. All earlier ones end."),
        marked("Make new codes"),
        "",
        Right.FACTORS,
        _recovery,
    ),
    Act(
        "token",
        marked("Give a token"),
        marked("A token of the inventory becomes this person's, by the serial number that stands on it."),
        marked("Give it"),
        marked("The token is assigned."),
        Right.FACTORS,
        _token,
        (
            Field("serial", marked("Serial number"), longest=128),
            Field(
                "pending", marked("It counts only after the person has typed a code of it"), "check", required=False,
                default="yes",
            ),
        ),
    ),
    Act(
        "registration",
        marked("Let them register anew"),
        marked(
            "All factors of this person go, and all browsers are signed out. Until they register, whoever knows the "
            "password can do so in their place: make an access pass at once."
        ),
        marked("Take all factors"),
        marked("All factors are gone. Make an access pass now, or let them register at once."),
        Right.FACTORS,
        _start_afresh,
        (REASON,),
        danger=True,
    ),
    Act(
        "removal",
        marked("Remove the person"),
        marked("Tokens with a serial number return to the inventory; all else of this person goes for good."),
        marked("Remove"),
        marked("The person is removed."),
        Right.SETUP,
        _remove,
        (
            Field("name", marked("Type the name to confirm")),
            Field("erase", marked("Take their name out of the journal too"), "check", required=False),
        ),
        danger=True,
    ),
)  # fmt: skip

PLACE = Place("people", "/admin/people/{id}", find)
