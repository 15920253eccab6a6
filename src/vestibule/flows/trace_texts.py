"""The sentences of a decision trace, in plain language; what stands in braces is put in where they are told.

Each reason has what it means and what to do next, as docs/reasons.md has it; a test sees that none is missing.
"""

from collections.abc import Mapping

from vestibule.core.reasons import Reason

ASKED = "{user} asked to be let in, by way of {client}."
ASKED_UNKNOWN = "Somebody asked to be let in as {user}, by way of {client}."
ASKED_ERASED = "Somebody whose name was erased asked to be let in, by way of {client}."
STRAY = "An answer came in by way of {client} that belongs to no open question; so nobody is named."
FROM_SEEN = "They sat at {address}."
FROM = "They sat at {address}, as the client says."
FROM_PLACE = "The client named their place as {source}; it is no IP address."
FROM_NOWHERE = "The client did not say where they sat, so everybody behind it counts as one place."
CLIENT_GONE = "The client {client} is not there any more."
CLIENT_CHANGED = "The client was changed since; what is said of it here is how it is now."

RULE_NOT_ASKED = "The policy was not asked: the refusal came first."
RULE_DEFAULT = "No rule of the policy matched, so a second factor was required."
RULE_SPOKE = "The rule “{rule}” spoke."
RULE_GONE = "There is no rule of this name any more, so why it matched can not be said."
RULE_SAYS = {
    "deny": "It says: nobody is let in.",
    "allow": "It says: the first factor is enough.",
    "require": "It says: a second factor is required.",
}
RULE_METHODS = "It takes only: {methods}."
RULE_EVERYBODY = "It has no condition, so it matches everybody."
RULE_CLIENT = "It matched by the client: {client}."
RULE_GROUP = "It matched by the group: {groups}."
RULE_NETWORK = "It matched by the address {address}, which lies in {networks}."
RULE_BEFORE = "The rule “{rule}” before it did not match: {why}."
NOT_CLIENT = "it is for other clients"
NOT_GROUP = "the person is in none of its groups"
NOT_NETWORK = "the address lies in none of its networks"
NOT_ADDRESS = "it asks for an address, and none is known"
POLICY_CHANGED = "Policy or groups were changed since; what is said here is how they are now."
PASSED = "The client lets people without a second factor pass for a while, and this person had none."
PASSED_UNKNOWN = "Nobody of this name is known here; the client lets such people pass for a while."

FIRST_NOT_ASKED = "The password was not looked at."
FIRST_BY_CLIENT = "The client checks the first factor itself, before it asks here."
FIRST_RIGHT = "The password was right."
FIRST_RIGHT_DIRECTORY = "The directory {directory} said that the password was right."
FIRST_WRONG = "The password did not let them in."
FIRST_WRONG_DIRECTORY = "The directory {directory} did not take the password."
FIRST_WORDS = "In its own words: {words}"
FIRST_BEFORE = "The first factor had been proven before the code was looked at."
FIRST_ONE_FIELD = (
    "Password and code came in one field. The code is tried first, and the password is looked at only when it is right."
)

SECOND_NOT_ASKED = "No second factor was asked."
SECOND_OFF = "No second factor is asked of this person at all."
SECOND_NONE = "The person has no factor."
SECOND_ASKED = "A question was put to the person; the answer came with the same attempt."
SECOND_AT_ONCE = "Everything came in one request; no question was put."
SECOND_MISSED = "A question did not reach the person: {result}."
SECOND_AGAIN = "Before that, a wrong answer was typed, and the question was put once more."
FACTOR_USED = "{kind} {factor}: this one was proven."
FACTOR_TRIED = "{kind} {factor}: this one was asked or tried."
FACTOR_COUNTED = "{kind} {factor}: it could have been used."
FACTOR_LATER = "{kind} {factor}: it came later."
FACTOR_NOT_TAKEN = "{kind} {factor}: the rule does not take this kind."
FACTOR_PENDING = "{kind} {factor}: it waits for its first code, so it does not count."
FACTOR_DISABLED = "{kind} {factor}: it is switched off."
FACTOR_OVER = "{kind} {factor}: it is outside of its time."
FACTOR_STOPPED = "{kind} {factor}: it is stopped after {count} wrong tries."
FACTOR_WRONG = "{kind} {factor}: {count} wrong tries count against it now."
FACTORS_NOW = "This is how the factors are now; the journal does not keep how they were."
NOT_RECORDED_TRIED = "Which of them the code was compared with is not recorded."
DELAY_UNKNOWN = "Whether the place or a factor had to wait is not recorded."
DELAY_PLACE = "The place {source} has {count} wrong tries against it now."
DELAY_PLACE_NONE = "Nothing counts against the place {source} now."
KNOWN_PLACE = "The person had signed in from this place before, so strangers' tries do not hold them back here."

LET_IN = "{user} was let in."
LET_IN_BY = "{user} was let in, by: {kind}."
LET_IN_AGAIN = "The very same request had been accepted a moment before, so it was let in again."
REFUSED = "They were refused: {reason}."

SAW_IN = "The client was told to let them in, with the reply attributes of their groups."
SAW_IN_PAGE = "The page they had asked for opened."
SAW_REJECT = "The client got an Access-Reject with the text “{text}”, the same for every reason."
SAW_PAGE = "The page said that it did not work, and not why. The details on it name this attempt."
SAW_API = "The program that asked was told that the sign-in is refused; the reason is not told."
SAW_AGAIN = "The question was put once more."

NEXT_NOTHING = "Nothing is to be done."

MEANING: Mapping[Reason, str] = {
    Reason.UNKNOWN_USER: "nobody has this name",
    Reason.BLOCKED: "the account is blocked",
    Reason.WRONG_PASSWORD: "the first factor was wrong, or empty",
    Reason.PASSWORD_EXPIRED: "the password was right, and its time is over",
    Reason.PASSWORD_MUST_CHANGE: "the password must be changed before it is used",
    Reason.ACCOUNT_LOCKED: "the directory has locked the account",
    Reason.ACCOUNT_DISABLED: "the account is switched off in the directory",
    Reason.ACCOUNT_EXPIRED: "the account's time is over in the directory",
    Reason.NOT_ALLOWED_NOW: "the directory does not let the account in at this hour, or from here",
    Reason.WRONG_CODE: "the code fits no factor of this person",
    Reason.CODE_REUSED: "the code was right and had been used already",
    Reason.CODE_OLD: "the code was right once, and is older than the last one that was accepted",
    Reason.CLOCK: "a clock went back, or the token waits to be resynchronised",
    Reason.THROTTLED: "there were too many wrong tries, and a delay was running",
    Reason.TOO_MANY_FAILURES: "the factor is off after too many wrong tries in a row",
    Reason.DENIED_BY_POLICY: "a rule of the policy says no",
    Reason.NOT_ENROLLED: "a second factor is required, and there is none that counts",
    Reason.NO_USABLE_PROMPT: "the person has factors, but none that this rule takes or this client can ask for",
    Reason.NOT_DELIVERED: "the question did not reach the person, and nothing else could be asked",
    Reason.NO_ANSWER: "nobody answered in time",
    Reason.DECLINED: "the person said no",
    Reason.WRONG_PIN: "a wrong PIN was entered",
    Reason.FRAUD_REPORTED: "the person reported a fraud",
    Reason.LIMIT_REACHED: "there had been too many messages or calls",
    Reason.PASSKEY_REFUSED: "the passkey did not fit",
    Reason.PASSKEY_COPIED: "the passkey's counter went back: it may have been copied",
    Reason.UNKNOWN_ATTEMPT: "the question was not open, or not any more",
}

NEXT: Mapping[Reason, str] = {
    Reason.UNKNOWN_USER: "Correct the spelling at the client, or add the person.",
    Reason.BLOCKED: "End the block once its cause is gone.",
    Reason.WRONG_PASSWORD: "Let the person type it again; otherwise set a new one.",
    Reason.PASSWORD_EXPIRED: "Let the person set a new one where the directory lets them.",
    Reason.PASSWORD_MUST_CHANGE: "Let the person set a new one where the directory lets them.",
    Reason.ACCOUNT_LOCKED: "See in the directory who tried, and unlock the account there.",
    Reason.ACCOUNT_DISABLED: "Enable it in the directory if it is not meant so.",
    Reason.ACCOUNT_EXPIRED: "Extend it in the directory if it is not meant so.",
    Reason.NOT_ALLOWED_NOW: "See the account's hours and workstations in the directory.",
    Reason.WRONG_CODE: "See whether the right token is assigned. If its codes are always wrong, resynchronise it.",
    Reason.CODE_REUSED: "Let the person wait for the next code. If they typed it once, the client asks twice.",
    Reason.CODE_OLD: "Let the person read the newest code.",
    Reason.CLOCK: "Set this server's clock right, then resynchronise the token with two codes in a row.",
    Reason.THROTTLED: "Wait, or end the delays on the person's page. Ask who tried.",
    Reason.TOO_MANY_FAILURES: "Find out who tried; then end the delays, or give the person another factor.",
    Reason.DENIED_BY_POLICY: "Change the rule if it is not meant so.",
    Reason.NOT_ENROLLED: "Give the person a token, a temporary access pass or recovery codes.",
    Reason.NO_USABLE_PROMPT: "Change how the client asks, or the rule, or give another factor.",
    Reason.NOT_DELIVERED: "See the log for the carrier, and give the person a second factor.",
    Reason.NO_ANSWER: "Ask the person; raise the client's time budget if it is short.",
    Reason.DECLINED: "Ask the person at once: whoever asked knows the password.",
    Reason.WRONG_PIN: "Let the person try again; otherwise set a new PIN.",
    Reason.FRAUD_REPORTED: "Ask the person at once: whoever asked knows the password. The account may be blocked.",
    Reason.LIMIT_REACHED: "Wait; if it is meant so, raise the limit under Settings.",
    Reason.PASSKEY_REFUSED: "Let the person try again, or register the passkey anew.",
    Reason.PASSKEY_COPIED: "Remove the passkey, and register another one.",
    Reason.UNKNOWN_ATTEMPT: "See that the client returns State unchanged, and in time.",
}
