"""Lines of the journal in words, for pages of administration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vestibule.core.journal import EntryKind, Line
from vestibule.flows.journal import PERSON
from vestibule.flows.trace_texts import MEANING
from vestibule.portals import words
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/journal"

KINDS: Mapping[str, str] = {
    EntryKind.SIGN_IN.value: marked("Sign-ins"),
    EntryKind.ADMINISTRATION.value: marked("Administration"),
    EntryKind.SYSTEM.value: marked("The system itself"),
}
ACTIONS: Mapping[str, str] = {
    **words.ACTIONS,
    "accounting": marked("The client reported a session"),
    "api_key.add": marked("A key of the API was issued"),
    "api_key.remove": marked("A key of the API was revoked"),
    "bypass.cancel": marked("A bypass was ended"),
    "bypass.grant": marked("A sign-in without a second factor was allowed once"),
    "caller.check": marked("It was checked who is calling"),
    "caller.wrong_code": marked("A caller told a wrong code"),
    "client.add": marked("A client was added"),
    "client.remove": marked("A client was removed"),
    "client.set": marked("A client was changed"),
    "client.test": marked("A client was tested"),
    "clock.step": marked("The clock jumped"),
    "directory.add": marked("A directory was added"),
    "directory.approve": marked("Removals of a directory were approved"),
    "directory.held": marked("Removals of a directory were held back"),
    "directory.release": marked("Held removals were let go"),
    "delivery.accepted": marked("A message was taken by a provider"),
    "delivery.alarm": marked("Delivery wants to be looked at"),
    "delivery.delivered": marked("A message arrived"),
    "delivery.failed": marked("A provider could not carry a message"),
    "delivery.not_needed": marked("A message was not needed any more"),
    "delivery.refused": marked("A message or a call was refused, and not sent"),
    "delivery.spared": marked("A message was not sent"),
    "delivery.undelivered": marked("A message did not arrive"),
    "delivery.unknown": marked("Nobody can say whether a message was carried"),
    "directory.loop": marked("A directory asks us what we ask it"),
    "directory.remove": marked("A directory was removed"),
    "directory.set": marked("A directory was changed"),
    "directory.sync": marked("A directory was synchronised"),
    "group.add": marked("A group was added"),
    "group.leave": marked("People left a group"),
    "group.remove": marked("A group was removed"),
    "group.set": marked("A group was changed"),
    "journal.prune": marked("Old lines of the journal were let go"),
    "journal.pruned": marked("Old lines of the journal were let go"),
    "key.rotated": marked("A key of the database was changed"),
    "key.rotation_began": marked("A change of the database's key began"),
    "message.begun": marked("A message that had waited is sent"),
    "message.dropped": marked("A message was given up: its time is over"),
    "message.resent": marked("A message was sent once more"),
    "message.unknown": marked("Nobody can say whether a message was carried"),
    "owner.link": marked("A link to become an owner was made"),
    "pass.issue": marked("A temporary access pass was made"),
    "pass.revoke": marked("A temporary access pass was ended"),
    "passkey.metadata": marked("A list of passkey models was taken"),
    "phone.add": marked("A telephone or mail address was added"),
    "phone.remove": marked("A telephone or mail address was removed"),
    "phone.set": marked("A telephone or mail address was changed"),
    "pin.remove": marked("A PIN was removed"),
    "pin.set": marked("A PIN was set, or must be changed"),
    "policy.add": marked("A rule was added"),
    "policy.move": marked("A rule was moved"),
    "policy.remove": marked("A rule was removed"),
    "policy.set": marked("A rule was changed"),
    "price.set": marked("Prices of messages were taken"),
    "provider.add": marked("A provider was added"),
    "provider.remove": marked("A provider was removed"),
    "provider.set": marked("A provider was changed"),
    "provider.test": marked("A test was sent by a provider"),
    "question.missed": marked("A question did not reach the person"),
    "restore.safe": marked("A restore made used codes worthless"),
    "route.add": marked("A route was added"),
    "route.remove": marked("A route was removed"),
    "row.discarded": marked("A damaged row was discarded"),
    "row.refused": marked("A row could not be opened"),
    "session.end_all": marked("All browsers were signed out"),
    "session.expired": marked("Sessions ran out"),
    "setting.set": marked("A setting was changed"),
    "setting.unset": marked("A setting was put back"),
    "sound.add": marked("A recording for calls was added"),
    "sound.remove": marked("A recording for calls was removed"),
    "token.export": marked("The list of tokens was exported"),
    "token.import": marked("A file of tokens was imported"),
    "token.keys": marked("Keys of tokens were exported"),
    "user.add": marked("A person was added"),
    "user.erase": marked("A name was taken out of the journal"),
    "user.import": marked("A file of people was imported"),
    "user.remove": marked("A person was removed"),
    "user.remove_failures": marked("A person was removed"),
    "user.reregister": marked("A person has to register anew"),
    "user.role": marked("A role was given or taken"),
    "user.set": marked("A person was changed"),
}
SOMEBODY = marked("somebody who is gone")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: when, what, about whom, who did it, by which client, why; `state` is good, bad or ""."""

    at: float
    what: str
    state: str
    why: str
    user_id: str
    user_name: str
    actor: str
    actor_id: str
    client: str
    method: str
    address: str
    path: str


def told_lines(visit: Visit, lines: Iterable[Line], names: Mapping[str, str] | None = None) -> list[Row]:
    """The lines in words."""
    return [told_line(visit, line, names or {}) for line in lines]


def told_line(visit: Visit, line: Line, names: Mapping[str, str]) -> Row:
    """One line in words; `names` are those of actors."""
    entry = line.entry
    client = visit.desk.store.snapshot.clients.get(entry.client_id)
    person = entry.actor.startswith(PERSON)
    known = names.get(entry.actor) or visit.say(SOMEBODY) if person else entry.actor
    return Row(
        at=entry.at,
        what=what(visit, line),
        state={True: "good", False: "bad", None: ""}[entry.accepted],
        why=visit.say(MEANING[entry.reason]) if entry.reason else "",
        user_id=entry.user_id,
        user_name=entry.user_name,
        actor="" if entry.actor == f"{PERSON}{entry.user_id}" else known,
        actor_id=entry.actor.removeprefix(PERSON) if person else "",
        client=client.name if client else entry.client_id,
        method=words.method_word(visit.language, entry.method) if entry.method else "",
        address=entry.client_address,
        path=path_of(line),
    )


def what(visit: Visit, line: Line) -> str:
    """What happened; an act that nobody has put into words is called by its own name."""
    entry = line.entry
    if entry.kind is EntryKind.SIGN_IN:
        return visit.say(words.SIGNED_IN if entry.accepted else words.NOT_SIGNED_IN)
    return visit.say(ACTIONS.get(entry.action, entry.action))


def path_of(line: Line) -> str:
    """The address of the page about one line."""
    return f"{PATH}/{line.chain}/{line.seq}"
