"""Groups: add, list, set and remove them. Their reply attributes are tried on the dictionary before they are kept."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from vestibule.core.errors import Malformed
from vestibule.core.policy import Rule
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Group, User
from vestibule.flows.desk import SLICE, Desk, Progress, Told, checked, quiet, required
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.views import group_told

LONGEST_NAME = 256
MOST_RULES = 1000

Pairs = Sequence[Sequence[str]]


async def add(desk: Desk, actor: str, *, name: str, description: str = "", reply_attributes: Pairs = ()) -> Told:
    """Add a group."""
    named = required(name, "name", LONGEST_NAME)
    if ";" in named:
        raise Refused("name holds a semicolon, which separates groups in user files; write it without.", "name")
    group = Group(named, checked(description, "description"), _attributes(desk, reply_attributes))

    def act(writing: Writing) -> Told:
        if writing.get(Group, group.id) is not None:
            raise Refused(
                f"There is a group {group.id} already. Change it with: vestibule group set {group.id}", "name"
            )
        writing.put(group)
        writing.note(desk.entry("group.add", actor, group=group.id))
        return {"group": group_told(group)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All groups, in order of name."""
    groups = desk.store.snapshot.groups
    return {"groups": [group_told(groups[name]) for name in sorted(groups)]}


async def change(
    desk: Desk, actor: str, *, name: str, description: str | None = None, reply_attributes: Pairs | None = None
) -> Told:
    """Change what is given."""
    attributes = None if reply_attributes is None else _attributes(desk, reply_attributes)

    def act(writing: Writing) -> Told:
        group = the_group(writing, name)
        if description is not None:
            group = replace(group, description=checked(description, "description"))
        if attributes is not None:
            group = replace(group, reply_attributes=attributes)
        writing.put(group)
        writing.note(desk.entry("group.set", actor, group=group.id))
        return {"group": group_told(group)}

    return await desk.store.change(act)


async def show(desk: Desk, actor: str, *, name: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One group."""
    return {"group": group_told(await desk.store.read(lambda reading: the_group(reading, name)))}


async def remove(desk: Desk, actor: str, *, name: str, progress: Progress = quiet) -> Told:
    """Take everyone out of the group, then remove it; refused while a rule of the policy names it."""
    total = await desk.store.read(lambda reading: _users_to_look_at(reading, name))
    after: str | None = ""
    members = done = 0
    while after is not None:
        left, looked_at, after = await desk.store.change(_leaving(desk, actor, name, after))
        members, done = members + left, done + looked_at
        progress(done, total)

    def act(writing: Writing) -> None:
        _refuse_in_use(writing, the_group(writing, name))
        writing.remove(Group, name)
        writing.note(desk.entry("group.remove", actor, group=name, members=members))

    await desk.store.change(act)
    return {"removed": name, "members": members}


def the_group(reading: Reading, name: str, field: str = "name") -> Group:
    """The group of this name; refused when there is none."""
    group = reading.get(Group, name)
    if group is None:
        cure = "See them all with: vestibule group list" if field == "name" else f"Add it: vestibule group add {name}"
        raise Missing(f"There is no group {name}. {cure}", field)
    return group


def known_groups(reading: Reading, names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once; refused when one is no group's."""
    return tuple(dict.fromkeys(the_group(reading, name.strip(), "groups").id for name in names))


def _users_to_look_at(reading: Reading, name: str) -> int:
    _refuse_in_use(reading, the_group(reading, name))
    return reading.count(User)


def _refuse_in_use(reading: Reading, group: Group) -> None:
    naming = [rule.name for rule in reading.page(Rule, "", MOST_RULES) if group.id in rule.groups]
    if naming:
        raise Refused(f"The policy names {group.id} in {', '.join(naming)}. Remove these rules first.", "name")


def _leaving(desk: Desk, actor: str, name: str, after: str) -> Callable[[Writing], tuple[int, int, str | None]]:
    """The slice that takes one page of users out of the group: how many left, were looked at, where to go on."""

    def act(writing: Writing) -> tuple[int, int, str | None]:
        users = writing.page(User, after, SLICE)
        members = [user for user in users if name in user.groups]
        for user in members:
            groups = tuple(group for group in user.groups if group != name)
            writing.put(replace(user, groups=groups, version=user.version + 1))
        if members:
            writing.note(desk.entry("group.leave", actor, group=name, members=len(members)))
        return len(members), len(users), users[-1].id if len(users) == SLICE else None

    return act


def _attributes(desk: Desk, pairs: Pairs) -> tuple[tuple[str, str], ...]:
    """The pairs as they are kept; refused when the dictionary can not write one of them."""
    return tuple(_attribute(desk, pair) for pair in pairs)


def _attribute(desk: Desk, pair: Sequence[str]) -> tuple[str, str]:
    if len(pair) != 2:
        raise Refused("A reply attribute is a name and a value, as in Filter-Id=staff.", "reply_attributes")
    name, value = pair
    try:
        desk.dictionary.encode(name, value)
    except Malformed as malformed:
        raise Refused(f"The reply attribute can not be sent. {malformed}", "reply_attributes") from None
    return name, value
