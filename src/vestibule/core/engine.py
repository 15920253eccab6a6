"""The engine: what happens next in a sign-in. Pure: it reads no clock, no database, no socket.

It alone knows who is locked, which rule applies, which credential is tried, expiry, single use and what is
counted; a method knows only its own arithmetic. Every function takes the case and returns a step. A try is counted
in the step that orders the check; a right password gives back only its own try. Whoever is blocked or denied while
a sign-in is under way is refused at its next step: every step looks at the block and the policy anew.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple, assert_never

from vestibule.core import steps
from vestibule.core.attempts import Attempt, Settled
from vestibule.core.beginning import (
    asked_alike,
    began_unknown,
    expired,
    looks_again,
    pass_unknown,
    passes_unknown,
    password_refused,
    seen_again,
)
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.codes import REPEATED, Candidate, Right, Wrong, check_code, check_field
from vestibule.core.decisions import Reject
from vestibule.core.errors import Unavailable
from vestibule.core.events import (
    Answered,
    Began,
    Chose,
    Event,
    Expired,
    NotDelivered,
    PasswordChecked,
    PasswordUnchecked,
    Presented,
)
from vestibule.core.policy import Outcome, Requirement
from vestibule.core.ports import Asked, BegunMethod, Onward, Passed, TypedMethod
from vestibule.core.prompts import Way
from vestibule.core.questions import (
    answers,
    bypass_of,
    client_of,
    from_who_was_asked,
    held_back,
    may_choose,
    names_open_question,
    never_proved,
    question_of,
    refused_at_once,
    requirement_of,
    second_factor_asked,
    text_of,
    typed_choice,
    why_no_prompt,
    with_try_back,
)
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.story import Story
from vestibule.core.users import Mfa, User
from vestibule.core.ways import Ways


class Engine:
    """Steps through attempts with the methods that were handed in; their order is the order of preference."""

    def __init__(
        self, typed: Iterable[TypedMethod], before: Iterable[BegunMethod] = (), behind: Iterable[BegunMethod] = ()
    ) -> None:
        """Know these methods and no other; those `before` the typed codes are preferred to them."""
        self._ways = Ways(typed, before, behind)

    def step(self, case: Case, event: Event, moment: Moment) -> Step:
        """Decide what happens next.

        Raises Unavailable when the asking client has just been removed, or the name has just become another's.
        """
        match event:
            case Began():
                return asked_alike(case, event, self._began(case, event, moment), moment)
            case PasswordChecked():
                return self._password_checked(case, event, moment)
            case PasswordUnchecked(began):
                return Step(with_try_back(case, began, moment))
            case Answered():
                return self._answered(case, event, moment)
            case Chose():
                return self._chose(case, event, moment)
            case Presented():
                return self._presented(case, event, moment)
            case NotDelivered():
                return self._not_delivered(case, event, moment)
            case Expired():
                return expired(case, event, moment)
            case _:
                assert_never(event)

    # -- a new attempt ------------------------------------------------------------------------------------------

    def _began(self, case: Case, event: Began, moment: Moment) -> Step:
        client = client_of(case, event.client_id)
        story = Story.of_beginning(case, event, moment)
        user = case.user
        if user is None:
            return began_unknown(case, event, client, story)
        refusal = refused_at_once(case, user, event.source, moment)
        if refusal is not None:
            return steps.reject(case, story, refusal)
        requirement = requirement_of(case, user, client.id, event.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.reject(case, story, Reason.DENIED_BY_POLICY)
        if event.proven:
            return self._began_proven(case, user, event, client, story)
        if client.sign_in is SignIn.CODE_ONLY:
            return self._began_code_only(case, user, event, requirement, story)
        candidates = self._ways.candidates(case, requirement.methods, moment)
        asked = client.one_field and candidates and second_factor_asked(user, requirement)
        if asked and bypass_of(case, moment) is None:
            return _began_one_field(case, user, event, candidates, story)
        return steps.order_password_check(case, user, event.typed, story)

    def _began_proven(self, case: Case, user: User, event: Began, client: Client, story: Story) -> Step:
        """Go on where another has looked at the first factor; a client that was never set up so is refused."""
        if not client.pass_through or client.sign_in is SignIn.CODE_ONLY:
            return steps.reject(case, story, Reason.WRONG_PASSWORD)
        return self._after_first_factor(case, user, event, client, story._replace(attributes=event.attributes))

    def _began_code_only(self, case: Case, user: User, event: Began, requirement: Requirement, story: Story) -> Step:
        """Nobody here has seen a first factor, so only a rule for this very client waives the code."""
        if requirement.outcome is Outcome.ALLOW and requirement.names_client:
            return steps.accept(case, user, story)
        if user.mfa is Mfa.OFF:
            return steps.reject(case, story, Reason.NOT_ENROLLED)
        if not event.typed:
            return self._open(case, requirement.methods, story)
        candidates = self._ways.candidates(case, requirement.methods, story.moment)
        if not candidates:
            return steps.reject(case, story, why_no_prompt(case, story.moment))
        found = check_code(case, candidates, text_of(event.typed), source=event.source, moment=story.moment)
        return steps.settle_code(case, user, found, story, event.proof)

    def _password_checked(self, case: Case, event: PasswordChecked, moment: Moment) -> Step:
        began, user = event.began, case.user
        client = client_of(case, began.client_id)
        if event.user_id not in {None, user.id if user else ""}:
            raise Unavailable("the name has become another person's while the password was checked")
        story = Story.of_beginning(case, began, moment)
        if user is None and not passes_unknown(client, began, moment):
            return steps.reject(case, story, Reason.UNKNOWN_USER)
        if not event.right:
            return password_refused(case, event, story)
        story = story._replace(attributes=event.attributes)
        if user is None:
            return pass_unknown(case, began, story)
        case = with_try_back(case, began, moment)
        if user.blocked(moment.at):
            return steps.reject(case, story, Reason.BLOCKED)
        return self._after_first_factor(case, user, began, client, story)

    def _after_first_factor(self, case: Case, user: User, began: Began, client: Client, story: Story) -> Step:
        requirement = requirement_of(case, user, client.id, began.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.reject(case, story, Reason.DENIED_BY_POLICY)
        if not second_factor_asked(user, requirement):
            return steps.accept(case, user, story)
        bypass = bypass_of(case, story.moment)
        if bypass is not None:
            return steps.pass_once(case, user, bypass, story)
        typed = client.one_field and not began.proven
        candidates = self._ways.candidates(case, requirement.methods, story.moment) if typed else ()
        if candidates:
            found = _find_in_field(case, began, candidates, story.moment)
            return steps.settle_code(case, user, found, story, began.proof)
        if client.passes(story.moment.at) and never_proved(case, user):
            return steps.pass_without(case, user, story)
        return self._open(case, requirement.methods, story, silent=began.proven)

    # -- an open attempt ----------------------------------------------------------------------------------------

    def _answered(self, case: Case, event: Answered, moment: Moment) -> Step:
        attempt = case.attempt
        wanted = typed_choice(attempt, event) if attempt else None
        if wanted is not None:
            return self._chose(case, wanted, moment)
        if attempt is not None and looks_again(attempt, event):
            return seen_again(case, attempt, moment)
        if attempt is None or not answers(attempt, event, moment):
            return steps.reject(case, Story.of_stray(event, moment), Reason.UNKNOWN_ATTEMPT)
        story = Story.of_attempt(case, attempt, moment)
        standing = _standing(case, attempt, story)
        if isinstance(standing, Step):
            return standing
        user, methods, story = standing
        challenge = question_of(attempt)
        if user.mfa is Mfa.OFF and not challenge.waits:
            return steps.end(case, attempt, story, Reason.NOT_ENROLLED)
        found = self._found(case, attempt, event.answer, methods, story)
        if found is None:
            return steps.end(case, attempt, story, why_no_prompt(case, moment))
        if isinstance(found, Onward):
            return steps.go_on(case, attempt, challenge, found)
        return self._settle(case, user, attempt, found, story)

    def _found(
        self, case: Case, attempt: Attempt, answer: Secret, methods: tuple[str, ...], story: Story
    ) -> Right | Wrong | Onward | None:
        """What the answer opens; None when there is nothing left that it could open."""
        challenge, moment = question_of(attempt), story.moment
        candidates = () if challenge.waits else self._ways.candidates(case, methods, moment)
        method = self._ways.method(challenge.method)
        asked = self._ways.asked(case, method, challenge.credential_id, methods, moment) if method else None
        begun: Right | Wrong | Onward | None = None
        if method and asked and asked.credentials:
            asked = replace(asked, memory=challenge.memory, tries_left=challenge.tries_left)
            begun = _check(case, method, answer, asked, story)
        if not candidates or (begun is not None and not (isinstance(begun, Wrong) and begun.reason in REPEATED)):
            return begun
        typed = check_code(case, candidates, text_of(answer), source=attempt.source, moment=moment)
        return begun.joined(typed) if isinstance(begun, Wrong) and isinstance(typed, Wrong) else typed

    def _settle(self, case: Case, user: User, attempt: Attempt, found: Right | Wrong, story: Story) -> Step:
        challenge = question_of(attempt)
        if isinstance(found, Right):
            settled = (
                replace(attempt, settled=Settled(story.moment.at, groups=user.groups)) if challenge.waits else None
            )
            result = found.passed.result or found.method.result
            if attempt.tried and result is Result.OATH_VERIFIED:
                result = Result.FALLBACK_OATH_VERIFIED
            case = replace(steps.spent(case, found.passed), attempt=settled)
            story = story.by(found.passed.credential, result)._replace(method=found.method.name)
            return steps.accept(case, user, story)
        tried = found.changed.id if found.changed else challenge.credential_id
        story = story._replace(method=challenge.method, credential_id=tried)
        case = steps.counted(case, user, found, story)
        if found.reason in REPEATED and challenge.tries_left > 1:
            return steps.ask_again(case, attempt, challenge, story, found)
        case = steps.blocked(case, user, story) if found.blocks else case
        return steps.end(case, attempt, story, found.reason, found.result)

    def _chose(self, case: Case, event: Chose, moment: Moment) -> Step:
        """Ask in the way that the person wants; what can not be chosen leaves the question as it is."""
        attempt = case.attempt
        if attempt is not None and not from_who_was_asked(attempt, event):
            return Step(case, Reject(Reason.UNKNOWN_ATTEMPT))  # nothing is told of another's question
        if attempt is None or not may_choose(attempt, event, moment):
            return steps.already(case, attempt, moment)
        story = Story.of_attempt(case, attempt, moment)
        standing = _standing(case, attempt, story)
        if isinstance(standing, Step):
            return standing
        ways = self._open_ways(case, attempt, standing.methods, standing.story)
        chosen = next((way for way in ways if way.id == event.way), None)
        if chosen is None:
            return steps.already(case, attempt, moment)
        return self._put(case, replace(attempt, methods=standing.methods), chosen, standing.story)

    def _not_delivered(self, case: Case, event: NotDelivered, moment: Moment) -> Step:
        """Ask in the next way that the client and the user can carry; else refuse."""
        attempt = case.attempt
        if attempt is None or not names_open_question(attempt, event.nonce):
            return steps.already(case, attempt, moment)
        story = Story.of_attempt(case, attempt, moment)
        challenge = question_of(attempt)
        missed = Way(challenge.method, challenge.credential_id)
        story = story._replace(method=challenge.method, credential_id=challenge.credential_id)
        attempt = replace(attempt, tried=(*attempt.tried, missed.id))
        standing = _standing(case, attempt, story)
        if isinstance(standing, Step):
            return standing
        ways = self._open_ways(case, attempt, standing.methods, story)
        following = next((way for way in ways if way.id not in attempt.tried), None)
        if following is None:
            return steps.end(case, attempt, story, Reason.NOT_DELIVERED, event.result)
        return replace(self._put(case, attempt, following, story), entry=story.missed(event.result))

    # -- a credential that says whose it is -----------------------------------------------------------------------

    def _presented(self, case: Case, event: Presented, moment: Moment) -> Step:
        client, user, story = client_of(case, event.client_id), case.user, Story.of_presented(case, event, moment)
        method = self._ways.method(event.method)
        if user is None or method is None or not (client.web and method.needs_web):
            return steps.reject(case, story, Reason.UNKNOWN_USER)
        refusal = refused_at_once(case, user, event.source, moment)
        if refusal is not None:
            return steps.reject(case, story, refusal)
        requirement = requirement_of(case, user, client.id, event.address)
        story = story.under(requirement.rule)
        if requirement.outcome is Outcome.DENY:
            return steps.reject(case, story, Reason.DENIED_BY_POLICY)
        asked = self._ways.asked(case, method, event.credential_id, requirement.methods, moment)
        if not asked.credentials or not event.credential_id:
            return steps.reject(case, story, why_no_prompt(case, moment))
        found = _check(case, method, event.answer, replace(asked, memory=event.memory), story)
        if isinstance(found, Onward):
            return steps.reject(case, story, Reason.NO_USABLE_PROMPT)
        return steps.settle_code(case, user, found, story)

    # -- choosing -----------------------------------------------------------------------------------------------

    def _open(self, case: Case, methods: tuple[str, ...], story: Story, *, silent: bool = False) -> Step:
        """Put the first question that both the client and the user can carry."""
        client = client_of(case, story.client_id)
        ways = self._ways.open_to(case, client, methods, story.source, story.moment, silent=silent)
        if not ways:
            return steps.reject(case, story, why_no_prompt(case, story.moment))
        choice = ways if len(ways) > 1 and not silent else ()
        attempt = steps.new_attempt(case, story, methods=methods, ways=choice, silent=silent)
        return self._put(case, attempt, ways[0], story)

    def _open_ways(self, case: Case, attempt: Attempt, methods: tuple[str, ...], story: Story) -> tuple[Way, ...]:
        client = client_of(case, attempt.client_id)
        return self._ways.open_to(case, client, methods, attempt.source, story.moment, silent=attempt.silent)

    def _put(self, case: Case, attempt: Attempt, way: Way, story: Story) -> Step:
        """Put the question of this way; one that is put once more goes on with what its method remembers."""
        method, moment, old = self._ways.method(way.method), story.moment, attempt.challenge
        if method is None:
            return steps.ask_for_code(case, attempt, moment)
        asked = self._ways.asked(case, method, way.credential_id, attempt.methods, moment)
        if old is not None and (old.method, old.credential_id) == (way.method, way.credential_id):
            asked = replace(asked, memory=old.memory, tries_left=old.tries_left)
        client = client_of(case, attempt.client_id)
        return steps.begin_question(case, method, asked, way, attempt=attempt, client=client, moment=moment)


# -- small questions --------------------------------------------------------------------------------------------


def _began_one_field(case: Case, user: User, event: Began, candidates: tuple[Candidate, ...], story: Story) -> Step:
    """Test the code first, unspent, and let the password be hashed only if the code is right."""
    found = _find_in_field(case, event, candidates, story.moment)
    if isinstance(found, Right) and found.rest is not None:
        return steps.order_password_check(case, user, found.rest, story)
    return steps.settle_code(case, user, found, story, event.proof)


class _Standing(NamedTuple):
    """An open attempt that may go on: whose it is, the methods that the policy takes, and its story under that rule."""

    user: User
    methods: tuple[str, ...]
    story: Story


def _standing(case: Case, attempt: Attempt, story: Story) -> _Standing | Step:
    """The person and the policy as they are now, or the step that ends the attempt here."""
    client, user = client_of(case, attempt.client_id), case.user
    if user is None:
        return steps.end(case, attempt, story, Reason.UNKNOWN_USER)
    refusal = refused_at_once(case, user, attempt.source, story.moment)
    if refusal is not None:
        return steps.end(case, attempt, story, refusal)
    requirement = requirement_of(case, user, client.id, attempt.address)
    story = story.under(requirement.rule)
    if requirement.outcome is Outcome.DENY:
        return steps.end(case, attempt, story, Reason.DENIED_BY_POLICY)
    return _Standing(user, requirement.methods, story)


def _check(case: Case, method: BegunMethod, answer: Secret, asked: Asked, story: Story) -> Right | Wrong | Onward:
    """Let the method look at the answer, unless what it was asked of has failed too often."""
    refusals = {one.id: held_back(case, one.id, story.source, story.moment) for one in asked.credentials}
    tryable = tuple(one for one in asked.credentials if refusals[one.id] is None)
    if not tryable:
        return Wrong(next(refusal for refusal in refusals.values() if refusal))
    found = method.check(answer, replace(asked, credentials=tryable), story.moment)
    if isinstance(found, Passed):
        return Right(found, method)
    if isinstance(found, Onward):
        return found
    guessed = found.credential or (tryable[0] if len(tryable) == 1 else None)
    tried = (guessed.id,) if guessed and found.reason in REPEATED else ()
    changed = found.credential if found.credential not in asked.credentials else None
    return Wrong(found.reason, tried, found.result, found.blocks, changed)


def _find_in_field(case: Case, event: Began, candidates: tuple[Candidate, ...], moment: Moment) -> Right | Wrong:
    code_first = client_of(case, event.client_id).sign_in is SignIn.CODE_AND_PASSWORD
    return check_field(case, candidates, event.typed, code_first=code_first, source=event.source, moment=moment)
