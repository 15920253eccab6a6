"""The engine: what happens next in a sign-in. Pure: it reads no clock, no database, no socket.

It alone knows who is locked, which rule applies, which credential is tried, expiry, single use and what is
counted; a method knows only its own arithmetic. Every function takes the case and returns a step. A try is counted
in the step that orders the check; a right password gives back only its own try. Whoever is blocked or denied while
a sign-in is under way is refused at its next step: every step looks at the block and the policy anew.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from vestibule.core import failures, steps
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.codes import Candidate, Right, Wrong, check_code, check_field
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.decisions import Account, CheckPassword, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.events import Answered, Began, Event, Expired, NotDelivered, PasswordChecked, PasswordUnchecked
from vestibule.core.policy import Outcome, Requirement, evaluate
from vestibule.core.ports import AwaitedMethod, Failed, TypedMethod
from vestibule.core.reasons import PASSWORD_WAS_RIGHT, Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.story import Story
from vestibule.core.users import Mfa, User


class Engine:
    """Steps through attempts with the methods that were handed in; their order is the order of preference."""

    def __init__(self, typed: Iterable[TypedMethod], awaited: Iterable[AwaitedMethod] = ()) -> None:
        """Know these methods and no other."""
        self._typed = {method.name: method for method in typed}
        self._awaited = {method.name: method for method in awaited}

    def step(self, case: Case, event: Event, moment: Moment) -> Step:
        """Decide what happens next.

        Raises Unavailable when the asking client has just been removed, or the name has just become another's.
        """
        match event:
            case Began():
                return _asked_alike(case, event, self._began(case, event, moment), moment)
            case PasswordChecked():
                return self._password_checked(case, event, moment)
            case PasswordUnchecked(began):
                return Step(_with_try_back(case, began, moment))
            case Answered():
                return self._answered(case, event, moment)
            case NotDelivered():
                return self._not_delivered(case, event, moment)
            case Expired():
                return _expired(case, event, moment)
            case _:
                assert_never(event)

    # -- a new attempt ------------------------------------------------------------------------------------------

    def _began(self, case: Case, event: Began, moment: Moment) -> Step:
        client = _client(case, event.client_id)
        story = Story.of_beginning(case, event, moment)
        user = case.user
        if user is None:
            return _began_unknown(case, event, client, story)
        refusal = _refused_at_once(case, user, event.source, moment)
        if refusal is not None:
            return steps.reject(case, story, refusal)
        requirement = _requirement(case, user, client.id, event.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.reject(case, story, Reason.DENIED_BY_POLICY)
        if client.sign_in is SignIn.CODE_ONLY:
            return self._began_code_only(case, user, event, requirement, story)
        candidates = self._candidates(case, requirement.methods, moment)
        if client.one_field and candidates and _second_factor_asked(user, requirement):
            return _began_one_field(case, user, event, candidates, story)
        return steps.order_password_check(case, user, event.typed, story)

    def _began_code_only(self, case: Case, user: User, event: Began, requirement: Requirement, story: Story) -> Step:
        """Nobody here has seen a first factor, so only a rule for this very client waives the code."""
        if requirement.outcome is Outcome.ALLOW and requirement.names_client:
            return steps.accept(case, user, story)
        if user.mfa is Mfa.OFF:
            return steps.reject(case, story, Reason.NOT_ENROLLED)
        if not event.typed:
            return self._open(case, requirement.methods, story)
        candidates = self._candidates(case, requirement.methods, story.moment)
        if not candidates:
            return steps.reject(case, story, _why_no_prompt(case, story.moment))
        found = check_code(case, candidates, _text(event.typed), source=event.source, moment=story.moment)
        return steps.settle_code(case, user, found, story, event.proof)

    def _password_checked(self, case: Case, event: PasswordChecked, moment: Moment) -> Step:
        began, user = event.began, case.user
        client = _client(case, began.client_id)
        if event.user_id not in {None, user.id if user else ""}:
            raise Unavailable("the name has become another person's while the password was checked")
        story = Story.of_beginning(case, began, moment)
        if user is None and not _passes_unknown(client, began, moment):
            return steps.reject(case, story, Reason.UNKNOWN_USER)
        if not event.right:
            return _password_refused(case, event, story)
        story = story._replace(attributes=event.attributes)
        if user is None:
            return _pass_unknown(case, began, story)
        case = _with_try_back(case, began, moment)
        if user.blocked(moment.at):
            return steps.reject(case, story, Reason.BLOCKED)
        return self._after_first_factor(case, user, began, client, story)

    def _after_first_factor(self, case: Case, user: User, began: Began, client: Client, story: Story) -> Step:
        requirement = _requirement(case, user, client.id, began.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.reject(case, story, Reason.DENIED_BY_POLICY)
        if not _second_factor_asked(user, requirement):
            return steps.accept(case, user, story)
        candidates = self._candidates(case, requirement.methods, story.moment)
        if client.one_field and candidates:
            found = _find_in_field(case, began, candidates, story.moment)
            return steps.settle_code(case, user, found, story, began.proof)
        if client.passes(story.moment.at) and _never_proved(case, user):
            return steps.pass_without(case, user, story)
        return self._open(case, requirement.methods, story)

    # -- an open attempt ----------------------------------------------------------------------------------------

    def _answered(self, case: Case, event: Answered, moment: Moment) -> Step:
        attempt, user = case.attempt, case.user
        if attempt is None or not _fits(attempt, event, moment):
            return steps.reject(case, Story.of_stray(event, moment), Reason.UNKNOWN_ATTEMPT)
        story = Story.of_attempt(case, attempt, moment)
        client = _client(case, attempt.client_id)
        if user is None:
            return steps.end(case, attempt, story, Reason.UNKNOWN_USER)
        refusal = _refused_at_once(case, user, attempt.source, moment)
        if refusal is not None:
            return steps.end(case, attempt, story, refusal)
        requirement = _requirement(case, user, client.id, attempt.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.end(case, attempt, story, Reason.DENIED_BY_POLICY)
        answered = self._answered_elsewhere if _question(attempt).waits else self._answered_here
        return answered(case, user, attempt, answer=event.answer, methods=requirement.methods, story=story)

    def _answered_here(
        self, case: Case, user: User, attempt: Attempt, *, answer: Secret, methods: tuple[str, ...], story: Story
    ) -> Step:
        challenge = _question(attempt)
        if user.mfa is Mfa.OFF:
            return steps.end(case, attempt, story, Reason.NOT_ENROLLED)
        candidates = self._candidates(case, methods, story.moment)
        if not candidates:
            return steps.end(case, attempt, story, _why_no_prompt(case, story.moment))
        found = check_code(case, candidates, _text(answer), source=attempt.source, moment=story.moment)
        if isinstance(found, Wrong) and found.reason is Reason.WRONG_CODE and challenge.tries_left > 1:
            return steps.ask_again(steps.counted(case, user, found, story), attempt, challenge, story)
        return steps.settle_code(replace(case, attempt=None), user, found, story)

    def _answered_elsewhere(
        self, case: Case, user: User, attempt: Attempt, *, answer: Secret, methods: tuple[str, ...], story: Story
    ) -> Step:
        challenge, moment = _question(attempt), story.moment
        method, credential = self._awaited.get(challenge.method), _asked(case, challenge)
        if method is None or credential is None or not _counts(credential, methods, moment):
            return steps.end(case, attempt, story, _why_no_prompt(case, moment))
        story = story.by(credential, method.result)
        held_back = _held_back(case, credential, story)
        if held_back is not None:
            return steps.end(case, attempt, story, held_back)
        found = method.check(answer, credential, challenge.memory, moment)
        if isinstance(found, Failed):
            wrong = Wrong(found.reason, (credential.id,) if found.reason is Reason.WRONG_CODE else ())
            return steps.end(steps.counted(case, user, wrong, story), attempt, story, found.reason)
        settled = replace(attempt, settled=Settled(moment.at, groups=user.groups))
        return steps.accept(replace(steps.spent(case, found), attempt=settled), user, story)

    def _not_delivered(self, case: Case, event: NotDelivered, moment: Moment) -> Step:
        """Ask for a typed code instead where the client and the user can; else refuse."""
        attempt = case.attempt
        if attempt is None or not _names_open_question(attempt, event.nonce):
            return steps.already(case, attempt, moment)
        client = case.snapshot.clients.get(attempt.client_id)
        if client is not None and client.challenges and self._candidates(case, attempt.methods, moment):
            return steps.ask_for_code(case, attempt, moment)
        return steps.end(case, attempt, Story.of_attempt(case, attempt, moment), Reason.NOT_DELIVERED)

    # -- choosing -----------------------------------------------------------------------------------------------

    def _open(self, case: Case, methods: tuple[str, ...], story: Story) -> Step:
        """Put the first question that both the client and the user can carry."""
        client = _client(case, story.client_id)
        attempt = replace(steps.new_attempt(case, story), methods=methods)
        waiting = self._first_awaited(case, methods, story) if client.holds else None
        if waiting is not None:
            method = self._awaited[waiting.method]
            return steps.wait_for_answer(case, method, waiting, attempt=attempt, client=client, moment=story.moment)
        if client.challenges and self._candidates(case, methods, story.moment):
            return steps.ask_for_code(case, attempt, story.moment)
        return steps.reject(case, story, _why_no_prompt(case, story.moment))

    def _candidates(self, case: Case, methods: tuple[str, ...], moment: Moment) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(one, self._typed[one.method])
            for one in case.credentials
            if one.method in self._typed and _counts(one, methods, moment)
        )

    def _first_awaited(self, case: Case, methods: tuple[str, ...], story: Story) -> Credential | None:
        """The first credential of the most preferred method that may be tried now."""
        for name in self._awaited:
            for one in case.credentials:
                usable = one.method == name and _counts(one, methods, story.moment)
                if usable and _held_back(case, one, story) is None:
                    return one
        return None


# -- steps that need no method ------------------------------------------------------------------------------------


def _passes_unknown(client: Client, began: Began, moment: Moment) -> bool:
    """Whether somebody whom we do not know is let in by what a directory says of them."""
    allowed = bool(client.first_factor) and not client.require_user_match and client.passes(moment.at)
    return allowed and bool(began.user_key) and bool(began.typed)


def _pass_unknown(case: Case, began: Began, story: Story) -> Step:
    """Only the policy can still refuse somebody whom we do not know."""
    requirement = evaluate(case.snapshot.rules, began.client_id, (), began.address)
    if requirement.outcome is Outcome.DENY:
        return steps.reject(case, story.under(requirement.rule), Reason.DENIED_BY_POLICY)
    return steps.pass_without(case, None, story)


def _began_unknown(case: Case, event: Began, client: Client, story: Story) -> Step:
    """A name that nobody has takes the way that a known one would take, and raises nobody's counter."""
    if _passes_unknown(client, event, story.moment):
        account = Account(client.first_factor, "", event.user_name)
        return Step(case, order=CheckPassword("", event.typed, event.source, account))
    if client.sign_in is SignIn.PASSWORD_THEN_CODE and event.typed:
        return Step(case, order=CheckPassword("", event.typed, event.source))
    if client.sign_in is SignIn.CODE_ONLY and not event.typed:
        return steps.ask_for_code(case, steps.new_attempt(case, story), story.moment)
    return steps.reject(case, story, Reason.UNKNOWN_USER)


def _password_refused(case: Case, event: PasswordChecked, story: Story) -> Step:
    """Refuse in the directory's words; what it tells only to who knows the password was no guess."""
    if case.user is not None and event.refusal in PASSWORD_WAS_RIGHT:
        case = _with_try_back(case, event.began, story.moment)
    step = steps.reject(case, story, event.refusal)
    if event.detail and step.entry:
        return replace(step, entry=replace(step.entry, detail={"directory": event.detail}))
    return step


def _asked_alike(case: Case, event: Began, step: Step, moment: Moment) -> Step:
    """Who is refused before anything was typed is asked like everyone else, and refused at the answer."""
    client = _client(case, event.client_id)
    if client.sign_in is SignIn.CODE_ONLY and not event.typed and isinstance(step.decision, Reject):
        return steps.ask_for_code(case, steps.new_attempt(case, Story.of_beginning(case, event, moment)), moment)
    return step


def _began_one_field(case: Case, user: User, event: Began, candidates: tuple[Candidate, ...], story: Story) -> Step:
    """Test the code first, unspent, and let the password be hashed only if the code is right."""
    found = _find_in_field(case, event, candidates, story.moment)
    if isinstance(found, Right) and found.rest is not None:
        return steps.order_password_check(case, user, found.rest, story)
    return steps.settle_code(case, user, found, story, event.proof)


def _expired(case: Case, event: Expired, moment: Moment) -> Step:
    attempt = case.attempt
    if attempt is None:
        return steps.already(case, None, moment)
    if _names_open_question(attempt, event.nonce):
        result = None if _question(attempt).waits else Result.OATH_PENDING
        step = steps.end(case, attempt, Story.of_attempt(case, attempt, moment), Reason.NO_ANSWER, result)
    else:
        step = steps.already(case, attempt, moment)
    if moment.at >= attempt.expires_at:
        return replace(step, case=replace(step.case, attempt=None))
    return step


# -- small questions --------------------------------------------------------------------------------------------


def _client(case: Case, client_id: str) -> Client:
    client = case.snapshot.clients.get(client_id)
    if client is None:
        raise Unavailable("the asking client has just been removed")
    return client


def _refused_at_once(case: Case, user: User, source: str, moment: Moment) -> Reason | None:
    """What refuses before anything is checked or counted."""
    if user.blocked(moment.at):
        return Reason.BLOCKED
    if failures.source_delayed(case.failures, source, case.snapshot.settings.limits, moment.at):
        return Reason.THROTTLED
    return None


def _requirement(case: Case, user: User, client_id: str, address: str) -> Requirement:
    return evaluate(case.snapshot.rules, client_id, user.groups, address)


def _second_factor_asked(user: User, requirement: Requirement) -> bool:
    return requirement.outcome is Outcome.REQUIRE and user.mfa is not Mfa.OFF


def _counts(credential: Credential, methods: tuple[str, ...], moment: Moment) -> bool:
    """Whether the credential is usable and the policy takes its method."""
    return credential.usable(moment.at) and (not methods or credential.method in methods)


def _held_back(case: Case, credential: Credential, story: Story) -> Reason | None:
    limits = case.snapshot.settings.limits
    return failures.why_not_tried(case.failures, credential.id, story.source, limits, story.moment.at)


def _asked(case: Case, challenge: Challenge) -> Credential | None:
    """The credential that the question was put to, if the person still has it."""
    named = (challenge.credential_id, challenge.method)
    return next((one for one in case.credentials if (one.id, one.method) == named), None)


def _why_no_prompt(case: Case, moment: Moment) -> Reason:
    usable = any(one.usable(moment.at) for one in case.credentials)
    return Reason.NO_USABLE_PROMPT if usable else Reason.NOT_ENROLLED


def _never_proved(case: Case, user: User) -> bool:
    """Whether this person never proved a second factor; one that is disabled, over or taken away is one that was."""
    return user.mfa is Mfa.ENABLED and all(one.state is CredentialState.PENDING for one in case.credentials)


def _find_in_field(case: Case, event: Began, candidates: tuple[Candidate, ...], moment: Moment) -> Right | Wrong:
    code_first = _client(case, event.client_id).sign_in is SignIn.CODE_AND_PASSWORD
    return check_field(case, candidates, event.typed, code_first=code_first, source=event.source, moment=moment)


def _with_try_back(case: Case, began: Began, moment: Moment) -> Case:
    """Give back the try that was counted when the check of the password was ordered."""
    limits = case.snapshot.settings.limits
    rows = failures.given_back(case.failures, began.source, failures.PASSWORD, limits=limits, now=moment.at)
    return replace(case, failures=rows)


def _fits(attempt: Attempt, event: Answered, moment: Moment) -> bool:
    """Whether the answer names the open question, in time, and comes from where this question is answered.

    A typed code comes from the client and person that were asked; what is answered elsewhere never does, since the
    one who asks to be let in must not approve himself.
    """
    if not _names_open_question(attempt, event.nonce) or moment.at >= attempt.expires_at:
        return False
    if _question(attempt).waits:
        return not event.client_id
    return (attempt.client_id, attempt.user_key) == (event.client_id, event.user_key)


def _names_open_question(attempt: Attempt, nonce: str) -> bool:
    return attempt.settled is None and attempt.challenge is not None and attempt.challenge.nonce == nonce


def _question(attempt: Attempt) -> Challenge:
    if attempt.challenge is None:
        raise AssertionError("only reached with an open question")
    return attempt.challenge


def _text(secret: Secret) -> str:
    """The typed text; octets that are no UTF-8 can match nothing."""
    return secret.reveal().decode("utf-8", "replace").strip()
