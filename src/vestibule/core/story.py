"""Who asked what, from where, under which rule, by which credential: the thread from an event to its journal entry."""

from dataclasses import replace
from typing import NamedTuple

from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Moment
from vestibule.core.credentials import Credential
from vestibule.core.events import Answered, Began, Presented
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.reasons import Reason, Result
from vestibule.core.users import User


class Story(NamedTuple):
    """What an entry about this attempt will say; a tuple, because it is copied several times in every step."""

    moment: Moment
    client_id: str
    user: User | None
    user_name: str
    user_key: str
    source: str
    address: str
    attempt_id: str = ""
    rule: str = ""
    method: str = ""
    credential_id: str = ""
    result: Result = Result.NONE
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_beginning(cls, case: Case, event: Began, moment: Moment) -> "Story":
        """Start from the first event of an attempt."""
        return cls(moment, event.client_id, case.user, event.user_name, event.user_key, event.source, event.address)

    @classmethod
    def of_presented(cls, case: Case, event: Presented, moment: Moment) -> "Story":
        """Start from a credential that says whose it is."""
        name, key = (case.user.name, case.user.key) if case.user else ("", "")
        known = event.credential_id if case.user else ""
        story = cls(moment, event.client_id, case.user, name, key, event.source, event.address)
        return story._replace(method=event.method, credential_id=known)

    @classmethod
    def of_attempt(cls, case: Case, attempt: Attempt, moment: Moment) -> "Story":
        """Go on with an attempt that was opened before."""
        return cls(
            moment,
            attempt.client_id,
            case.user,
            attempt.user_name,
            attempt.user_key,
            attempt.source,
            attempt.address,
            attempt.id,
            attempt.rule,
            attributes=attempt.attributes,
        )

    @classmethod
    def of_stray(cls, event: Answered, moment: Moment) -> "Story":
        """An answer to nothing: no user is named, so that nobody can be slandered with another's attempt id."""
        return cls(moment, event.client_id, None, "", event.user_key, "", "", event.attempt_id)

    def under(self, rule: str) -> "Story":
        """The policy rule that spoke."""
        return self._replace(rule=rule)

    def by(self, credential: Credential, result: Result) -> "Story":
        """The credential that was proven or tried."""
        return self._replace(method=credential.method, credential_id=credential.id, result=result)

    def accepted(self, result: Result | None = None) -> Entry:
        """The entry of an accept."""
        return self._entry(None, self.result if result is None else result)

    def refused(self, reason: Reason, result: Result) -> Entry:
        """The entry of a refusal."""
        return self._entry(reason, result)

    def missed(self, result: Result) -> Entry:
        """The entry of a question that did not reach the person, while the attempt goes on."""
        entry = self._entry(None, result)
        return replace(entry, kind=EntryKind.SYSTEM, action="question.missed", accepted=None)

    def _entry(self, reason: Reason | None, result: Result) -> Entry:
        user = self.user
        return Entry(
            at=self.moment.at,
            kind=EntryKind.SIGN_IN,
            action="sign_in",
            user_id=user.id if user else "",
            user_name=user.name if user else self.user_name,
            full_name=f"{user.first_name} {user.last_name}".strip() if user else "",
            email=user.email if user else "",
            phone=user.phone if user else "",
            client_address=self.address,
            source=self.source,
            client_id=self.client_id,
            method=self.method,
            accepted=reason is None,
            reason=reason,
            result=result,
            rule=self.rule,
            attempt_id=self.attempt_id,
            credential_id=self.credential_id,
        )
