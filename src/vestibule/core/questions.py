"""Small questions about a case, for the engine: who asks, what refuses at once, which question is open."""

from dataclasses import replace

from vestibule.core import failures
from vestibule.core.attempts import Attempt, Challenge
from vestibule.core.case import Case, Moment
from vestibule.core.clients import Client
from vestibule.core.credentials import BYPASS, Credential, CredentialState
from vestibule.core.errors import Unavailable
from vestibule.core.events import Answered, Began, Chose
from vestibule.core.policy import Outcome, Requirement, evaluate
from vestibule.core.prompts import words_of
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User

LONGEST_CHOICE = 600.0  # seconds from the first question; whoever chooses later begins anew


def client_of(case: Case, client_id: str) -> Client:
    """The client that asks. Raises Unavailable when it has just been removed."""
    client = case.snapshot.clients.get(client_id)
    if client is None:
        raise Unavailable("the asking client has just been removed")
    return client


def refused_at_once(case: Case, user: User, source: str, moment: Moment) -> Reason | None:
    """What refuses before anything is checked or counted."""
    if user.blocked(moment.at):
        return Reason.BLOCKED
    if failures.source_delayed(case.failures, source, case.snapshot.settings.limits, moment.at):
        return Reason.THROTTLED
    return None


def requirement_of(case: Case, user: User, client_id: str, address: str) -> Requirement:
    """What the policy asks of this person here."""
    return evaluate(case.snapshot.rules, client_id, user.groups, address)


def second_factor_asked(user: User, requirement: Requirement) -> bool:
    """Whether the first factor is not enough."""
    return requirement.outcome is Outcome.REQUIRE and user.mfa is not Mfa.OFF


def held_back(case: Case, credential_id: str, source: str, moment: Moment) -> Reason | None:
    """Why this credential can not be tried from there now."""
    return failures.why_not_tried(case.failures, credential_id, source, case.snapshot.settings.limits, moment.at)


def why_no_prompt(case: Case, moment: Moment) -> Reason:
    """Why nothing can be asked: there is nothing, or nothing that fits."""
    usable = any(one.usable(moment.at) for one in case.credentials)
    return Reason.NO_USABLE_PROMPT if usable else Reason.NOT_ENROLLED


def never_proved(case: Case, user: User) -> bool:
    """Whether this person never proved a second factor; one that is disabled, over or taken away is one that was."""
    return user.mfa is Mfa.ENABLED and all(one.state is CredentialState.PENDING for one in case.credentials)


def bypass_of(case: Case, moment: Moment) -> Credential | None:
    """The one-time bypass that is open for this person, or None."""
    return next((one for one in case.credentials if one.method == BYPASS and moment.at < one.expires_at), None)


def with_try_back(case: Case, began: Began, moment: Moment) -> Case:
    """Give back the try that was counted when the check of the password was ordered."""
    limits = case.snapshot.settings.limits
    rows = failures.given_back(case.failures, began.source, failures.PASSWORD, limits=limits, now=moment.at)
    return replace(case, failures=rows)


def from_who_was_asked(attempt: Attempt, event: Answered | Chose) -> bool:
    """Whether it comes through the client, and for the person, that the question was put to."""
    return (attempt.client_id, attempt.user_key) == (event.client_id, event.user_key)


def answers(attempt: Attempt, event: Answered, moment: Moment) -> bool:
    """Whether the answer names the open question, in time, and comes from where this question is answered.

    A typed code comes from the client and person that were asked; what is answered elsewhere never does, since the
    one who asks to be let in must not approve himself.
    """
    if not names_open_question(attempt, event.nonce) or moment.at >= attempt.expires_at:
        return False
    if question_of(attempt).waits:
        return not event.client_id
    return from_who_was_asked(attempt, event)


def typed_choice(attempt: Attempt, event: Answered) -> Chose | None:
    """The choice, where somebody types the word of another way instead of a code; no code is such a word."""
    way = words_of(attempt.ways).get(text_of(event.answer).casefold()) if attempt.ways and event.client_id else None
    return Chose(event.attempt_id, event.nonce, way.id, event.client_id, event.user_key) if way else None


def may_choose(attempt: Attempt, event: Chose, moment: Moment) -> bool:
    """Whether the choice names the open question, in time, and comes from the client and person that were asked."""
    in_time = moment.at < attempt.expires_at and moment.at < attempt.created_at + LONGEST_CHOICE
    return in_time and from_who_was_asked(attempt, event) and names_open_question(attempt, event.nonce)


def names_open_question(attempt: Attempt, nonce: str) -> bool:
    """Whether this question is open."""
    return attempt.settled is None and attempt.challenge is not None and attempt.challenge.nonce == nonce


def question_of(attempt: Attempt) -> Challenge:
    """The question of an attempt that has one."""
    if attempt.challenge is None:
        raise AssertionError("only reached with an open question")
    return attempt.challenge


def text_of(secret: Secret) -> str:
    """The typed text; octets that are no UTF-8 can match nothing."""
    return secret.reveal().decode("utf-8", "replace").strip()
