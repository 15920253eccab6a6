"""The steps that the engine can take: what each one saves, orders, says, and writes into the journal."""

from dataclasses import replace

from vestibule.core import failures
from vestibule.core.attempts import Attempt, Challenge, Settled
from vestibule.core.case import Case, Moment, Step
from vestibule.core.clients import Client, SignIn
from vestibule.core.codes import Right, Wrong
from vestibule.core.credentials import ACCESS_PASS, Credential
from vestibule.core.decisions import Accept, Account, Ask, CheckPassword, Decision, Deliver, Reject, Wait
from vestibule.core.messages import Message
from vestibule.core.ports import Asked, BegunMethod, Onward, Passed
from vestibule.core.prompts import CODE, TypeCode, Way
from vestibule.core.reasons import RESULT_OF_REASON, Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.story import Story
from vestibule.core.users import Block, Mfa, User

ID_OCTETS = 16
FRAUD = "fraud reported"
PASSED = "passed without a second factor"
PASSED_ONCE = "passed by a one-time bypass"
PASSED_UNKNOWN = "passed as nobody known here"


# -- the last word ----------------------------------------------------------------------------------------------


def reject(case: Case, story: Story, reason: Reason, result: Result | None = None) -> Step:
    """Refuse; `result` is told instead of the reason's usual one."""
    return Step(case, Reject(reason), entry=story.refused(reason, result or RESULT_OF_REASON[reason]))


def accept(case: Case, user: User, story: Story, proof: str = "") -> Step:
    """Let in; what this source caused with the factors proven now is cleared, a first code completes registration.

    A pass completes nothing: whoever came in by it has still to register.
    """
    password = case.snapshot.clients[story.client_id].sign_in is not SignIn.CODE_ONLY
    code = bool(story.credential_id)
    if code and user.mfa is Mfa.ENABLED and story.method != ACCESS_PASS:
        case = replace(case, user=replace(user, mfa=Mfa.ENFORCED, version=user.version + 1))
    if password or code:
        at = story.moment.at
        cleared = failures.accepted(
            case.failures, user.id, story.source, password=password, code=code, now=at, proof=proof
        )
        case = case if cleared is case.failures else replace(case, failures=cleared)
    return Step(case, Accept(user.name, user.groups, story.attributes), entry=story.accepted())


def settle_code(case: Case, user: User, found: Right | Wrong, story: Story, proof: str = "") -> Step:
    """Let in and spend the code, or refuse and count the guess."""
    if isinstance(found, Right):
        story = story.by(found.passed.credential, found.passed.result or found.method.result)
        return accept(spent(case, found.passed), user, story, proof)
    if found.reason is Reason.CODE_REUSED and _rejoins(case, story, proof):
        return Step(case, Accept(user.name, user.groups, story.attributes), entry=story.accepted(Result.USED_CACHE))
    return reject(counted(case, user, found, story), story, found.reason, found.result)


def spent(case: Case, passed: Passed) -> Case:
    """Put the new memory of the credential and its seed into the case: this is what makes a code spent."""
    new = {one.id: one for one in (passed.credential, *passed.others)}
    credentials = tuple(new.get(one.id, one) for one in case.credentials)
    if passed.seed is None:
        return replace(case, credentials=credentials)
    return replace(case, credentials=credentials, seeds={**case.seeds, passed.seed.id: passed.seed})


def counted(case: Case, user: User, found: Wrong, story: Story) -> Case:
    """Count a guess against its source and the credentials that it was tried on; keep what the try changed."""
    if found.changed is not None:
        case = spent(case, Passed(found.changed))
    if not found.counts:
        return case
    limits, now = case.snapshot.settings.limits, story.moment.at
    return replace(
        case, failures=failures.failed(case.failures, user.id, story.source, found.tried, limits=limits, now=now)
    )


def blocked(case: Case, user: User, story: Story) -> Case:
    """Block who has reported a fraud, as long as the settings say."""
    seconds, now = case.snapshot.settings.fraud_block_seconds, story.moment.at
    if not seconds:
        return case
    block = Block(now, now + seconds, f"user {user.id}", FRAUD)
    return replace(case, user=replace(user, block=block, version=user.version + 1))


def _rejoins(case: Case, story: Story, proof: str) -> bool:
    """Whether the very same request was accepted from this place a moment ago, where the client allows it."""
    row = case.failures.get((failures.FailureKind.SOURCE, story.source))
    if row is None or not proof or row.accepted_proof != proof:
        return False
    return 0 <= story.moment.at - row.accepted_at < case.snapshot.clients[story.client_id].rejoin_seconds


# -- one order --------------------------------------------------------------------------------------------------


def order_password_check(case: Case, user: User, password: Secret, story: Story) -> Step:
    """Count the try and order the check, unless the password is stopped or makes this place wait.

    An empty password is never right, whatever a directory says: LDAP takes it for an anonymous bind (RFC 4513
    section 5.1.2).
    """
    limits, now = case.snapshot.settings.limits, story.moment.at
    if not password:
        return reject(case, story, Reason.WRONG_PASSWORD)
    held_back = failures.why_not_tried(case.failures, failures.PASSWORD, story.source, limits, now)
    if held_back is not None:
        return reject(case, story, held_back)
    rows = failures.failed(case.failures, user.id, story.source, (failures.PASSWORD,), limits=limits, now=now)
    return Step(
        replace(case, failures=rows), order=CheckPassword(user.id, password, story.source, _account(case, user, story))
    )


def _account(case: Case, user: User, story: Story) -> Account | None:
    """Where the password is: with the directory of the client, else with the person's, else with us."""
    directory = case.snapshot.clients[story.client_id].first_factor or user.directory
    if not directory:
        return None
    external_id = user.external_id if directory == user.directory else ""
    return Account(directory, external_id, user.name, local=not user.directory)


def pass_once(case: Case, user: User, bypass: Credential, story: Story) -> Step:
    """Let in by a one-time bypass, which ends with that."""
    used = replace(bypass, expires_at=story.moment.at, version=bypass.version + 1)
    credentials = tuple(used if one.id == used.id else one for one in case.credentials)
    story = story.by(bypass, Result.BYPASSED)
    return pass_without(replace(case, credentials=credentials), user, story, PASSED_ONCE)


def pass_without(case: Case, user: User | None, story: Story, why: str = PASSED) -> Step:
    """Let in by the first factor alone, loudly: the journal names what let this person through."""
    story = story._replace(rule=why if user else PASSED_UNKNOWN)
    name, groups = (user.name, user.groups) if user else (story.user_name, ())
    if user is not None:
        cleared = failures.accepted(
            case.failures, user.id, story.source, password=True, code=False, now=story.moment.at, proof=""
        )
        case = case if cleared is case.failures else replace(case, failures=cleared)
    return Step(case, Accept(name, groups, story.attributes), entry=story.accepted())


# -- a question -------------------------------------------------------------------------------------------------


def new_attempt(
    case: Case, story: Story, *, methods: tuple[str, ...] = (), ways: tuple[Way, ...] = (), silent: bool = False
) -> Attempt:
    """The attempt that a first question opens."""
    return Attempt(
        id=story.moment.chance[:ID_OCTETS].hex(),
        client_id=story.client_id,
        user_id=case.user.id if case.user else "",
        user_name=case.user.name if case.user else story.user_name,
        user_key=story.user_key,
        source=story.source,
        address=story.address,
        created_at=story.moment.at,
        expires_at=story.moment.at,
        rule=story.rule,
        methods=methods,
        attributes=story.attributes,
        ways=ways,
        silent=silent,
    )


def ask_for_code(case: Case, attempt: Attempt, moment: Moment) -> Step:
    """Ask for any code of this person."""
    settings = case.snapshot.settings
    expires_at = moment.at + settings.challenge_seconds
    challenge = Challenge(_nonce(moment), TypeCode(), expires_at, tries_left=settings.challenge_tries)
    return _ask(case, attempt, challenge)


def ask_again(case: Case, attempt: Attempt, old: Challenge, story: Story, found: Wrong) -> Step:
    """Ask once more after a wrong answer; what is typed names the new question, and the old one is closed by its nonce.

    One that is answered elsewhere keeps its nonce: whoever waits for it knows no other.
    """
    nonce = old.nonce if old.waits else _nonce(story.moment)
    entry = story.refused(found.reason, found.result or RESULT_OF_REASON[found.reason])
    return replace(_ask(case, attempt, replace(old, nonce=nonce, tries_left=old.tries_left - 1)), entry=entry)


def go_on(case: Case, attempt: Attempt, old: Challenge, onward: Onward) -> Step:
    """The same question in its next stage."""
    return _ask(case, attempt, replace(old, prompt=onward.prompt, memory=onward.memory))


def begin_question(
    case: Case, method: BegunMethod, asked: Asked, way: Way, *, attempt: Attempt, client: Client, moment: Moment
) -> Step:
    """Begin a challenge of this method; its message, if any, is committed with this very step."""
    opening = method.begin(asked, moment)
    seconds = opening.seconds
    if method.waits and client.holds and not client.web:
        seconds = min(seconds, attempt.created_at + client.time_budget - moment.at)
    expires_at = moment.at + seconds
    challenge = Challenge(
        _nonce(moment),
        opening.prompt,
        expires_at,
        method.name,
        way.credential_id,
        opening.memory,
        waits=method.waits,
        tries_left=opening.tries,
        polled=method.waits and not client.holds,
    )
    order = None
    if opening.channel:
        to, template = way.credential_id, opening.template
        order = Deliver(Message(challenge.nonce, opening.channel, to, attempt.id, template, expires_at))
    return replace(_ask(case, attempt, challenge), order=order)


def question(attempt: Attempt, challenge: Challenge) -> Ask | Wait:
    """The open question, as a decision for the party that asked."""
    kind = Wait if challenge.waits and not challenge.polled else Ask
    way = Way(challenge.method or CODE, challenge.credential_id).id
    return kind(attempt.id, challenge.nonce, challenge.prompt, challenge.expires_at, attempt.ways, way)


def _ask(case: Case, attempt: Attempt, challenge: Challenge) -> Step:
    attempt = replace(attempt, challenge=challenge, expires_at=challenge.expires_at)
    return Step(replace(case, attempt=attempt), question(attempt, challenge))


def _nonce(moment: Moment) -> str:
    return moment.chance[ID_OCTETS:].hex()


# -- the end of an attempt --------------------------------------------------------------------------------------


def end(case: Case, attempt: Attempt, story: Story, reason: Reason, result: Result | None = None) -> Step:
    """Refuse an open attempt. One that somebody may be waiting for keeps its row, settled; a typed one goes."""
    waits = attempt.challenge is not None and attempt.challenge.waits
    settled = replace(attempt, settled=Settled(story.moment.at, reason)) if waits else None
    return reject(replace(case, attempt=settled), story, reason, result)


def already(case: Case, attempt: Attempt | None, moment: Moment) -> Step:
    """The question was closed before: say how it ended, without writing it a second time."""
    decision: Decision = Reject(Reason.NO_ANSWER)
    if attempt is not None and attempt.settled is not None:
        decision = outcome(attempt)
    elif attempt is not None and attempt.challenge is not None and moment.at < attempt.expires_at:
        decision = question(attempt, attempt.challenge)
    return Step(case, decision)


def outcome(attempt: Attempt) -> Decision:
    """How an attempt went on, as a decision for the party that waited: settled, or a code to type instead."""
    settled = attempt.settled
    if settled is None:
        return question(attempt, attempt.challenge) if attempt.challenge else Reject(Reason.NO_ANSWER)
    if settled.reason is not None:
        return Reject(settled.reason)
    return Accept(attempt.user_name, settled.groups, attempt.attributes)
