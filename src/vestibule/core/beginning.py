"""Steps that need no method: for somebody unknown, for a directory that refuses, for a question without an answer."""

from dataclasses import replace

from vestibule.core import steps
from vestibule.core.attempts import Attempt, Challenge
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.codes import Wrong
from vestibule.core.decisions import Account, CheckPassword, Reject
from vestibule.core.events import Answered, Began, Expired, PasswordChecked
from vestibule.core.failures import PASSWORD
from vestibule.core.policy import Outcome, evaluate
from vestibule.core.prompts import TypeCode
from vestibule.core.questions import client_of, from_who_was_asked, names_open_question, question_of, with_try_back
from vestibule.core.reasons import PASSWORD_WAS_RIGHT, Reason, Result
from vestibule.core.story import Story

REASON_OF_END = {Result.FRAUD_CODE: Reason.FRAUD_REPORTED, Result.PIN_ENTERED: Reason.WRONG_PIN}
"""Why a question ended that got something else than silence; a right PIN would have ended it otherwise."""


def passes_unknown(client: Client, began: Began, moment: Moment) -> bool:
    """Whether somebody whom we do not know is let in by what a directory says of them."""
    allowed = bool(client.first_factor) and not client.require_user_match and client.passes(moment.at)
    return allowed and bool(began.user_key) and (bool(began.typed) or began.proven)


def pass_unknown(case: Case, began: Began, story: Story) -> Step:
    """Only the policy can still refuse somebody whom we do not know."""
    requirement = evaluate(case.snapshot.rules, began.client_id, (), began.address)
    if requirement.outcome is Outcome.DENY:
        return steps.reject(case, story.under(requirement.rule), Reason.DENIED_BY_POLICY)
    return steps.pass_without(case, None, story)


def began_unknown(case: Case, event: Began, client: Client, story: Story) -> Step:
    """A name that nobody has takes the way that a known one would take, and raises nobody's counter."""
    if event.proven:
        vouched = client.pass_through and passes_unknown(client, event, story.moment)
        story = story._replace(attributes=event.attributes)
        return pass_unknown(case, event, story) if vouched else steps.reject(case, story, Reason.UNKNOWN_USER)
    if passes_unknown(client, event, story.moment):
        account = Account(client.first_factor, "", event.user_name)
        return Step(case, order=CheckPassword("", event.typed, event.source, account))
    if client.sign_in is SignIn.PASSWORD_THEN_CODE and event.typed:
        return Step(case, order=CheckPassword("", event.typed, event.source))
    if client.sign_in is SignIn.CODE_ONLY and not event.typed:
        return steps.ask_for_code(case, steps.new_attempt(case, story), story.moment)
    return steps.reject(case, story, Reason.UNKNOWN_USER)


def password_refused(case: Case, event: PasswordChecked, story: Story) -> Step:
    """Refuse in the directory's words; what it tells only to who knows the password was no guess."""
    if case.user is not None and event.refusal in PASSWORD_WAS_RIGHT:
        case = with_try_back(case, event.began, story.moment) if event.counted else case
    elif case.user is not None and not event.counted and event.refusal is Reason.WRONG_PASSWORD:
        case = steps.counted(case, case.user, Wrong(event.refusal, (PASSWORD,)), story)
    step = steps.reject(case, story, event.refusal)
    if event.detail and step.entry:
        return replace(step, entry=replace(step.entry, detail={"directory": event.detail}))
    return step


def asked_alike(case: Case, event: Began, step: Step, moment: Moment) -> Step:
    """Who is refused before anything was typed is asked like everyone else, and refused at the answer."""
    client = client_of(case, event.client_id)
    typed_later = client.sign_in is SignIn.CODE_ONLY and not event.typed and not event.proven
    if typed_later and isinstance(step.decision, Reject):
        return steps.ask_for_code(case, steps.new_attempt(case, Story.of_beginning(case, event, moment)), moment)
    return step


def expired(case: Case, event: Expired, moment: Moment) -> Step:
    """Close the question that nobody answered in time."""
    attempt = case.attempt
    if attempt is None:
        return steps.already(case, None, moment)
    if names_open_question(attempt, event.nonce):
        challenge, story = question_of(attempt), Story.of_attempt(case, attempt, moment)
        story = story._replace(method=challenge.method, credential_id=challenge.credential_id)
        reason = REASON_OF_END.get(event.result or Result.NONE, Reason.NO_ANSWER)
        step = steps.end(case, attempt, story, reason, event.result or _unanswered(challenge))
    else:
        step = steps.already(case, attempt, moment)
    if moment.at >= attempt.expires_at:
        return replace(step, case=replace(step.case, attempt=None))
    return step


def _unanswered(challenge: Challenge) -> Result | None:
    """What reports call a question that nobody answered."""
    match challenge.prompt:
        case TypeCode(sent_to=""):
            return Result.OATH_PENDING
        case TypeCode():
            return Result.TEXT_SENT
        case _:
            return None


def looks_again(attempt: Attempt, event: Answered) -> bool:
    """Whether who asked looks how it stands: it can not hold on, or its question has been replaced meanwhile."""
    challenge = attempt.challenge
    if challenge is None or not from_who_was_asked(attempt, event):
        return False
    if challenge.polled:
        return challenge.nonce == event.nonce or bool(attempt.tried)
    replaced = bool(attempt.tried) and not challenge.waits and challenge.nonce != event.nonce
    return replaced and attempt.settled is None


def seen_again(case: Case, attempt: Attempt, moment: Moment) -> Step:
    """Say how it stands; what is settled is said once."""
    if attempt.settled is not None:
        return Step(replace(case, attempt=None), steps.outcome(attempt))
    return steps.already(case, attempt, moment)
