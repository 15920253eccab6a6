"""What is to be done about some people of a directory: pure questions to the store, one plan for each person."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from vestibule.core.people import Person, PhoneKind, Unreadable
from vestibule.core.ports import Reading
from vestibule.core.users import Alias, Block, Mfa, User
from vestibule.wire.names import BadField, name_key
from vestibule.wire.user_csv import LONGEST_NAME, checked_email, checked_phone

MOST_REMARKS = 1000
DIGEST_OCTETS = 16
FOREVER = 253_402_300_799.0  # the last second of the year 9999
DISABLED = "disabled in the directory"


class Gone(StrEnum):
    """What becomes of people who are not in the directory any more."""

    KEEP = "keep"
    BLOCK = "block"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Manners:
    """How one directory is taken over.

    `brake` is how many may be gone at once without approval, and how many disabled (1 to 999). `adopt` lets a person
    take over a local user of the same name, but no administrator; without it the name is refused.
    """

    directory: str
    gone: Gone = Gone.BLOCK
    brake: int = 5
    adopt: bool = False
    phones: tuple[PhoneKind, ...] = (PhoneKind.MOBILE, PhoneKind.BUSINESS, PhoneKind.HOME)
    managed_groups: tuple[str, ...] = ()  # those that an item may give: a person has them only by an item

    @property
    def actor(self) -> str:
        """Who acts, in the journal and on blocks."""
        return f"directory {self.directory}"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of the directory, and what the first item that it belongs to gives those who are new."""

    entry: Person | Unreadable
    groups: tuple[str, ...] = ()
    mfa: Mfa = Mfa.ENABLED
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is there; `groups` are those of ours that their item gives.

    With `sure` off they are among the people of the item but for its group, which has not changed since the last run.
    """

    id: str
    groups: tuple[str, ...] = ()
    item: int = 0
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Roll:
    """How a directory tells who is there at all, cheaply, and then more of some of them."""

    present: Callable[[], AsyncIterator[Present | Unreadable]]
    fetch: Callable[[Iterable[Present]], AsyncIterator[Found]]


class Leaving(NamedTuple):
    """A user who is to be blocked or let go, and why."""

    kind: str
    id: str
    name: str


DISABLED_KIND, GONE_KIND = "disabled", "gone"


def list_number(people: Iterable[Leaving]) -> str:
    """What names a list of people and no other: how many they are, and a digest of who they are."""
    held = sorted(people)
    text = "\0".join(f"{one.kind} {one.id}" for one in held)
    return f"{len(held)}-{blake2b(text.encode(), digest_size=4).hexdigest()}"


def digest(external_id: str) -> bytes:
    """A short form of an id, since hundreds of thousands are remembered for a while."""
    return blake2b(external_id.encode(), digest_size=DIGEST_OCTETS).digest()


@dataclass(slots=True)
class Report:
    """What a run found and did.

    `disabled` are the ids and names of people who are disabled in the directory and not blocked here; `held` are the
    names of those who are gone or disabled and wait for approval, which a list of nobody at all never gets. `held_as`
    is the number of that list.
    """

    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[dict[str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    disabled: list[tuple[str, str]] = field(default_factory=list)
    nobody_listed: bool = False
    held_as: str = ""

    def remark(self, place: str, what: str) -> None:
        """Tell of one entry, as long as the list can be read by people."""
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append({"place": place, "what": what})

    def add(self, other: "Report") -> None:
        """Count what another slice did."""
        self.counts += other.counts
        self.remarks += other.remarks[: MOST_REMARKS - len(self.remarks)]
        self.disabled += other.disabled


KINDS = ("created", "changed", "unchanged", "gone", "disabled", "back", "refused", "unreadable")
"""What a report counts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One person as they are to be, and as they are; the names to add and to drop, whosever they are."""

    user: User
    old: User | None
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing is to be written."""
        return self.user == self.old and not self.add and not self.drop

    @property
    def adopted(self) -> bool:
        """Whether a local user becomes one of the directory."""
        return self.old is not None and self.old.directory != self.user.directory


@dataclass(frozen=True, slots=True)
class Slice:
    """Some people who are looked at together, so that none of them takes what another of them has just taken.

    `new_id` gives the ids of users who are new; `now` is the time of blocks.
    """

    reading: Reading
    manners: Manners
    new_id: Callable[[], str]
    now: float
    report: Report = field(default_factory=Report)
    taken: dict[str, str] = field(default_factory=dict)  # user id by name, in this slice

    def plan(self, people: Iterable[Found]) -> list[Wanted]:
        """What is to be done about them; who can not be taken over is told in the report.

        Somebody whom we know keeps their name here when the new one is refused, and follows in all else.
        """
        plans = []
        for found in people:
            person = found.entry
            if isinstance(person, Unreadable):
                continue
            old, refusal = self._whom(person)
            if refusal:
                self.report.counts["refused"] += 1
                self.report.remark(person.place, refusal)
                if old is None:
                    continue
                person = replace(person, name=old.name)
            plan = self._plan(found, person, old)
            if not refusal:
                self.report.counts["created" if old is None else "unchanged" if plan.same else "changed"] += 1
            plans.append(plan)
        return plans

    def _plan(self, found: Found, person: Person, old: User | None) -> Wanted:
        user = self._user(found, person, old)
        self.taken[user.key] = user.id
        has = {alias.id for alias in self.reading.find(Alias, "user_id", user.id)} if old else set[str]()
        wanted = self._other_names(person, user)
        own = {user.key} if self.reading.get(Alias, user.key) else set[str]()  # a name of their own is no other's alias
        return Wanted(user, old, tuple(sorted(wanted - has)), tuple(sorted((has | own) - wanted)))

    # -- who it is ------------------------------------------------------------------------------------------------

    def _whom(self, person: Person) -> tuple[User | None, str]:
        """Whom we know this person as (None: they are new), or why they can not be taken over."""
        same = self.reading.find(User, "external_id", person.id)
        old = next((user for user in same if user.directory == self.manners.directory), None)
        key = name_key(person.name)
        if not key or len(person.name) > LONGEST_NAME:
            return old, "has no name that can be used"
        holder = self._named(key)
        if key in self.taken and (old is None or self.taken[key] != old.id):
            return old, "another person of the directory has the same name"
        if holder is None or (old is not None and holder.id == old.id):
            return old, ""
        if old is None and not holder.directory and self.manners.adopt and not holder.role:
            return holder, ""
        return old, self._why_taken(holder)

    def _why_taken(self, holder: User) -> str:
        if not holder.directory and self.manners.adopt:
            return "a local user with a role has this name, and no directory takes over who administers"
        if not holder.directory:
            return "a local user has this name: rename or remove them, or let the directory adopt local users"
        if holder.directory != self.manners.directory:
            return f"a person of the directory {holder.directory} has this name"
        return "somebody else of the directory had this name and is renamed or let go first; it follows next time"

    def _named(self, key: str) -> User | None:
        return next(iter(self.reading.find(User, "key", key)), None)

    # -- what they are to be --------------------------------------------------------------------------------------

    def _user(self, found: Found, person: Person, old: User | None) -> User:
        base = old or User(
            self.new_id(), "", "", mfa=found.mfa, locale=found.locale, groups=found.groups, created_at=self.now
        )
        phone = self._read(checked_phone, self._phone(person), person, "telephone number")
        user = replace(
            base,
            name=person.name,
            key=name_key(person.name),
            first_name=person.first_name[:LONGEST_NAME],
            last_name=person.last_name[:LONGEST_NAME],
            email=self._read(checked_email, person.email, person, "e-mail address"),
            phone=phone or base.phone,
            groups=self._groups(base, found),
            block=self._block(base, person, new=old is None),
            directory=self.manners.directory,
            external_id=person.id,
        )
        return replace(user, version=old.version + 1) if old is not None and user != old else user

    def _groups(self, base: User, found: Found) -> tuple[str, ...]:
        """Groups that items give come and go with them; those that an administrator gave stay."""
        kept = tuple(name for name in base.groups if name not in self.manners.managed_groups or name in found.groups)
        return (*kept, *(name for name in found.groups if name not in kept))

    def _phone(self, person: Person) -> str:
        known = dict(person.phones)
        return next((known[kind] for kind in self.manners.phones if known.get(kind)), "")

    def _block(self, user: User, person: Person, *, new: bool) -> Block | None:
        """A block of the directory comes and goes with it; one by an administrator stays until it is over.

        Who is disabled and could sign in until now is reported, since so many could be an error.
        """
        if not person.enabled and new:
            return Block(self.now, FOREVER, self.manners.actor, DISABLED)
        if not person.enabled:
            if not user.blocked(self.now):
                self.report.disabled.append((user.id, person.name))
            return user.block
        if user.block is not None and user.block.by == self.manners.actor:
            self.report.counts["back"] += 1
            return None
        return user.block

    def _read(self, read: Callable[[str], str], text: str, person: Person, what: str) -> str:
        """A field that can be left out: one that is no good is, and is told."""
        try:
            return read(text.strip())
        except BadField as bad:
            self.report.remark(person.place, f"the {what} is left out: it {bad.reason}")
            return ""

    # -- other names ----------------------------------------------------------------------------------------------

    def _other_names(self, person: Person, user: User) -> set[str]:
        """The names besides the first; one that somebody else answers to is left to them, and told."""
        keys = {name_key(name) for name in person.other_names} - {user.key, ""}
        wanted = set[str]()
        for key in sorted(key for key in keys if len(key) <= LONGEST_NAME):
            if self._answers_to(key) - {user.id}:
                self.report.remark(person.place, f"somebody else answers to {key}, so this person does not")
            else:
                self.taken[key] = user.id
                wanted.add(key)
        return wanted

    def _answers_to(self, key: str) -> set[str]:
        """The ids of the users who have this name, as their own or another."""
        own, alias = self._named(key), self.reading.get(Alias, key)
        ids = {self.taken.get(key, ""), own.id if own else "", alias.user_id if alias else ""}
        return ids - {""}
