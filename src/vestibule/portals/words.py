"""Words for what has a short name inside: methods, what the journal calls an act, why a sign-in was refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.core.clients import Client
from vestibule.core.journal import EntryKind, Line
from vestibule.core.prompts import CODE, Way
from vestibule.core.reasons import Reason
from vestibule.portals.languages import Language, marked

METHODS = {
    "passkey": marked("Passkey"),
    "phone": marked("Telephone"),
    "call": marked("Call"),
    "text": marked("Text message"),
    "reply": marked("Reply to a text message"),
    "mail": marked("E-mail"),
    "totp": marked("Authenticator app"),
    "hotp": marked("Button token"),
    "recovery": marked("Recovery codes"),
    "access_pass": marked("Temporary access pass"),
    "bypass": marked("One-time bypass"),
}
HARDWARE = marked("Hardware token")
SYNCED = marked("Passkey, synced")
BOUND = marked("Passkey, on one device")
BY = {
    "passkey": marked("by passkey"),
    "call": marked("by call"),
    "text": marked("by text message"),
    "reply": marked("by a reply to a text message"),
    "mail": marked("by e-mail"),
    "totp": marked("by a code of an app or a token"),
    "hotp": marked("by a code of an app or a token"),
    "recovery": marked("by recovery code"),
    "access_pass": marked("by temporary access pass"),
    "bypass": marked("by one-time bypass"),
}
"""How somebody signed in, behind where."""

ANY_CODE = marked("A code of an app, a token or a list")

ACTIONS = {
    "session.begin": marked("A browser was signed in"),
    "session.end": marked("A browser was signed out"),
    "session.end_others": marked("Other browsers were signed out"),
    "session.not_me": marked("“This was not me” was reported"),
    "factor.begin": marked("A new factor was begun"),
    "factor.expire": marked("A factor that was begun was given up"),
    "factor.prefer": marked("The first way to be asked was changed"),
    "factor.refuse": marked("A new passkey was not taken"),
    "registration.ask": marked("You were asked to register a factor"),
    "factor.add": marked("A factor was added"),
    "factor.rename": marked("A factor was renamed"),
    "factor.remove": marked("A factor was removed"),
    "factor.wrong_code": marked("A wrong code was typed for a new factor"),
    "recovery.issue": marked("New recovery codes were made"),
    "user.password": marked("The password was changed"),
    "user.block": marked("The account was blocked"),
    "user.unblock": marked("The block was ended"),
    "user.reset": marked("Delays after wrong tries were ended"),
    "user.reregister": marked("All factors were taken away, to be registered anew"),
    "user.role": marked("The role in administration was changed"),
    "owner.welcome": marked("The link to become an owner was used"),
    "session.end_all": marked("All browsers were signed out"),
    "pass.issue": marked("A temporary access pass was issued"),
    "pass.revoke": marked("A temporary access pass was ended"),
    "bypass.grant": marked("One sign-in without a second factor was allowed"),
    "bypass.cancel": marked("A sign-in without a second factor is not allowed any more"),
    "caller.check": marked("The helpdesk checked that you were calling"),
    "caller.wrong_code": marked("A wrong code was told to the helpdesk"),
    "phone.add": marked("A telephone number or an address was added"),
    "phone.set": marked("What a telephone is used for was changed"),
    "phone.remove": marked("A telephone number or an address was removed"),
    "phone.test": marked("A test was sent to a telephone number or an address"),
    "pin.set": marked("The PIN was set"),
    "pin.remove": marked("The PIN was taken away"),
    "token.assign": marked("A token was assigned"),
    "token.unassign": marked("A token was taken back"),
    "token.add": marked("A factor was added"),
    "token.remove": marked("A factor was removed"),
    "token.activate": marked("A factor was activated"),
    "token.disable": marked("A factor was switched off"),
    "token.enable": marked("A factor was switched on"),
    "token.resync": marked("A token was resynchronised"),
    "delivery.accepted": marked("A message was taken by a provider"),
    "delivery.delivered": marked("A message arrived"),
    "delivery.undelivered": marked("A message did not arrive"),
    "delivery.failed": marked("A provider could not carry a message"),
    "delivery.refused": marked("A message or a call was refused, and not sent"),
    "delivery.spared": marked("A message was not sent"),
    "delivery.not_needed": marked("A message was not needed any more"),
    "delivery.unknown": marked("Nobody can say whether a message was carried"),
    "question.missed": marked("A question did not reach you"),
}
BAD = frozenset({"factor.wrong_code", "caller.wrong_code", "factor.refuse", "session.not_me"})
OTHER = marked("The helpdesk changed something")
SIGNED_IN = marked("Signed in")
NOT_SIGNED_IN = marked("Sign-in refused")

_PASSWORD = marked("The password was wrong, or the directory did not take it.")
_CODE = marked("The code was wrong.")
_OLD_CODE = marked("The code had been used, or was too old.")
_TRIES = marked("There had been too many wrong tries.")
_POLICY = marked("The rules here did not allow it.")
_NO_FACTOR = marked("There was no second factor to ask for.")
_NO_ANSWER = marked("The question was not answered in time.")

WHY: dict[Reason, str] = {
    Reason.UNKNOWN_USER: _PASSWORD,
    Reason.BLOCKED: marked("The account was blocked."),
    Reason.WRONG_PASSWORD: _PASSWORD,
    Reason.PASSWORD_EXPIRED: _PASSWORD,
    Reason.PASSWORD_MUST_CHANGE: _PASSWORD,
    Reason.ACCOUNT_LOCKED: _PASSWORD,
    Reason.ACCOUNT_DISABLED: _PASSWORD,
    Reason.ACCOUNT_EXPIRED: _PASSWORD,
    Reason.NOT_ALLOWED_NOW: _POLICY,
    Reason.WRONG_CODE: _CODE,
    Reason.CODE_REUSED: _OLD_CODE,
    Reason.CODE_OLD: _OLD_CODE,
    Reason.CLOCK: _OLD_CODE,
    Reason.THROTTLED: _TRIES,
    Reason.TOO_MANY_FAILURES: _TRIES,
    Reason.DENIED_BY_POLICY: _POLICY,
    Reason.NOT_ENROLLED: _NO_FACTOR,
    Reason.NO_USABLE_PROMPT: _NO_FACTOR,
    Reason.NOT_DELIVERED: _NO_ANSWER,
    Reason.NO_ANSWER: _NO_ANSWER,
    Reason.DECLINED: marked("It was declined."),
    Reason.WRONG_PIN: marked("A wrong PIN was entered."),
    Reason.FRAUD_REPORTED: marked("It was reported as a fraud."),
    Reason.LIMIT_REACHED: _TRIES,
    Reason.PASSKEY_REFUSED: marked("The passkey did not fit."),
    Reason.PASSKEY_COPIED: marked("The passkey may have been copied."),
    Reason.UNKNOWN_ATTEMPT: _NO_ANSWER,
}
"""Told only to the person themselves, once they have signed in."""


BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
"""By what stands in a User-Agent; the first that is found counts, since each also claims to be those behind it."""

BROWSER_ON = marked("{browser} on {system}")


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the journal for the person it is about."""

    at: float
    what: str
    why: str
    where: str
    good: bool
    place: str


def way_word(language: Language, way: Way) -> str:
    """What one way to be asked is called, and which telephone or address it is."""
    if way.method == CODE:
        return language(ANY_CODE)
    name = language(METHODS.get(way.method, way.method))
    return f"{name}: {way.label}" if way.label else name


def method_word(language: Language, method: str, serial: str = "") -> str:
    """What a method is called; one that nobody has named is called by its own name."""
    if serial and method in METHODS:
        return language(HARDWARE)
    return language(METHODS.get(method, method))


def browser_word(language: Language, agent: str) -> str:
    """What a browser is called by people; one that we do not know is called what it calls itself."""
    browser = next((word for sign, word in BROWSERS.items() if f"{sign}/" in agent), "")
    system = next((word for sign, word in SYSTEMS.items() if sign in agent), "")
    return language(BROWSER_ON).format(browser=browser, system=system) if browser and system else agent


def happened(language: Language, line: Line, clients: Mapping[str, Client]) -> Happened:
    """The line in words; a client that is gone is called by its id."""
    entry = line.entry
    if entry.kind is EntryKind.SIGN_IN:
        what = language(SIGNED_IN if entry.accepted else NOT_SIGNED_IN)
        client = clients.get(entry.client_id)
        what = f"{what}: {client.name if client else entry.client_id}"
        what = f"{what}, {language(BY[entry.method])}" if entry.method in BY else what
        why = language(WHY[entry.reason]) if entry.reason else ""
    else:
        what, why = language(ACTIONS.get(entry.action, OTHER)), ""
    good = entry.accepted is not False and entry.action not in BAD
    return Happened(entry.at, what, why, entry.client_address, good, f"{line.chain}/{line.seq}")
