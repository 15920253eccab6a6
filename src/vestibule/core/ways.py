"""The ways in which a person can be asked now: what they have, what the policy takes, what the asking system carries.

Methods are known by three lists; their order is the order of preference: questions that come before typed codes, the
typed codes (which are one way together), questions that come behind them. What a person prefers goes first, and what
is like it next, so that a second telephone is called when the first is not answered.
"""

from collections.abc import Iterable

from vestibule.core import failures
from vestibule.core.case import Case, Moment
from vestibule.core.clients import Client
from vestibule.core.codes import Candidate
from vestibule.core.credentials import Credential
from vestibule.core.phones import PHONE, PhoneKind, phone_of
from vestibule.core.ports import Asked, BegunMethod, NamedOnly, TypedMethod
from vestibule.core.prompts import CODE, Way


class Ways:
    """The methods that are in use."""

    def __init__(
        self, typed: Iterable[TypedMethod], before: Iterable[BegunMethod], behind: Iterable[BegunMethod]
    ) -> None:
        """Know these methods and no other."""
        self._typed = {method.name: method for method in typed}
        self._before = tuple(before)
        self._behind = tuple(behind)
        self._begun = {method.name: method for method in (*self._before, *self._behind)}
        self._waiting = frozenset(name for name, method in self._begun.items() if method.waits)
        self._used = frozenset(method.uses for method in self._begun.values())
        self._named_only = frozenset(
            name for name, method in self._begun.items() if isinstance(method, NamedOnly) and method.named_only
        )

    def method(self, name: str) -> BegunMethod | None:
        """The method of this name that begins, if there is one."""
        return self._begun.get(name)

    def candidates(self, case: Case, methods: tuple[str, ...], moment: Moment) -> tuple[Candidate, ...]:
        """What a typed code may open; `methods` are those that the policy takes, () for all."""
        return tuple(
            Candidate(one, self._typed[one.method])
            for one in case.credentials
            if one.method in self._typed and one.usable(moment.at) and (not methods or one.method in methods)
        )

    def asked(
        self, case: Case, method: BegunMethod, credential_id: str, methods: tuple[str, ...], moment: Moment
    ) -> Asked:
        """To what a question is put ("" for all), as far as the person still has it and the policy takes the method."""
        taken = self._taken(method, methods)
        able = (one for one in case.credentials if taken and _can_be_asked(method, one, moment))
        some = tuple(one for one in able if credential_id in {"", one.id})
        return Asked(some, case.credentials, sending=case.snapshot.settings.sending)

    def _taken(self, method: BegunMethod, methods: tuple[str, ...]) -> bool:
        """Whether the policy takes it; `methods` () are all but those that must be named."""
        return method.name in methods if methods else method.name not in self._named_only

    def open_to(
        self, case: Case, client: Client, methods: tuple[str, ...], source: str, moment: Moment, *, silent: bool
    ) -> tuple[Way, ...]:
        """All ways that can be offered, the best first. In a `silent` attempt nothing can be typed."""
        typed = client.challenges and not silent
        code = (Way(CODE),) if typed and self.candidates(case, methods, moment) else ()
        if self._used.isdisjoint(one.method for one in case.credentials):
            return code

        def of(begun: Iterable[BegunMethod]) -> list[Way]:
            carried = (one for one in begun if self._taken(one, methods) and _carries(client, one, typed))
            return [way for method in carried for way in _ways(case, method, source, moment)]

        found = [*of(self._before), *code, *of(self._behind)]
        if not client.holds:  # to look again and again whether somebody has answered is the clumsiest way
            found.sort(key=lambda way: way.method in self._waiting)
        return _preferred_first(found, case.user.preferred if case.user else "")


def _carries(client: Client, method: BegunMethod, typed: bool) -> bool:  # noqa: FBT001 - of the one caller above
    if method.needs_web:
        return client.web and typed
    return (client.holds or typed) if method.waits else typed


def _ways(case: Case, method: BegunMethod, source: str, moment: Moment) -> list[Way]:
    """One way for each credential that may be tried now; one for all of them where they are asked together."""
    limits = case.snapshot.settings.limits
    tryable = [
        one
        for one in case.credentials
        if _can_be_asked(method, one, moment)
        and failures.why_not_tried(case.failures, one.id, source, limits, moment.at) is None
    ]
    if method.together:
        return [Way(method.name)] if tryable else []
    return [Way(method.name, one.id, method.label(one)) for one in sorted(tryable, key=_rank)]


def _rank(one: Credential) -> int:
    """A person's backup telephone comes behind the others."""
    return list(PhoneKind).index(phone_of(one).kind) if one.method == PHONE else 0


def _can_be_asked(method: BegunMethod, one: Credential, moment: Moment) -> bool:
    return one.method == method.uses and one.usable(moment.at) and method.fits(one)


def _preferred_first(ways: list[Way], preferred: str) -> tuple[Way, ...]:
    like = preferred.partition("/")[0]
    return tuple(sorted(ways, key=lambda way: (way.id != preferred, way.method != like))) if preferred else tuple(ways)
