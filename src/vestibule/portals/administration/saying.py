"""What flows say when they refuse or warn, as pages say it: in the reader's language, without commands.

A flow's text is found by its form, in which `{}` stands for a name or a number; what stood there goes into the same
places of the page's text. A text that is not known here is shown as it is, and a test fails while a flow has one.
"""

import re
from functools import cache

from vestibule.portals.administration import delivery_saying, people_saying
from vestibule.portals.languages import Language, marked

COMMAND = re.compile(r"\s*[^.:!?]*[:!?]? ?\bvestibule [a-z].*\Z", re.DOTALL)
"""A last sentence that names a command of ours."""

SETTING = re.compile(r"The setting (\S+) must be (.+)\.")
UNFIT = marked("The setting {} must be {}.")

AS_THEY_ARE = (
    marked("A change of the secret is under way."),
    marked("A key may do no more than whoever makes it. Name fewer rights."),
    marked("The journal does not know what {} was before this change. Set it anew."),
    marked("There is no such change of a setting."),
    marked("{} was changed again since, and is {} now. Set it anew, or take the newer change back first."),
    marked("A reply attribute is a name and a value, as in Filter-Id=staff."),
    marked("API keys ask as {}: {}. Remove these keys first."),
    marked(
        "Message-Authenticator is not required: whoever can change packets on the way can forge answers "
        "(Blast-RADIUS). Require it as soon as this client sends it."
    ),
    marked("A fresh packet may repeat a sign-in for {} seconds after it was accepted: one code then counts twice."),
    marked(
        "A sign-in that is repeated so is not asked of {} again: its answer has the attributes of groups and none of "
        "that directory."
    ),
    marked(
        "Until the end of {} (UTC) people without a second factor are let in by their first one. Give them factors "
        "before that day."
    ),
    marked(
        "Until that day people whom nobody knows here are let in by what the directory {} says of their password. "
        "Where that directory is a RADIUS server, a spelling that only it understands goes round somebody's second "
        "factor."
    ),
    marked(
        "MS-CHAP and EAP are handed on to {}. Who can read the way to this client breaks an MS-CHAP password within a "
        "day, and no code can be typed: people without an approval or a call are refused. PAP over RADIUS with TLS "
        "(RadSec) is better."
    ),
    marked("Its networks overlap those of {}; a packet belongs to the narrower network."),
    marked("No change of the secret is under way."),
    marked("Password and code together are longer than RADIUS carries (128 octets)."),
    marked(
        "The client {} has the same network and NAS-Identifier, so its packets could not be told apart. Give one of "
        "them a NAS-Identifier of its own, or another network."
    ),
    marked("Nobody is held, so there is nothing to approve. See who would be: a dry run tells."),
    marked("The directory could not be asked: {}."),
    marked("The directory {} is being synchronised just now. Try again later."),
    marked("The directory {} lists nobody: it has no items to synchronise."),
    marked("The policy has {} rules, and takes no more. Join some of them."),
    marked("The policy names {} in {}. Remove these rules first."),
    marked("The reply attribute can not be sent. {}"),
    marked("The secret has 12 octets or fewer and can be found by trying; use a generated one."),
    marked("The secret repeats few characters and can be guessed; use a generated one."),
    marked("The secret would be told to others than before. Give it again together with these settings."),
    marked("There are {} API keys, and no more are taken. Remove some first."),
    marked("There is a client {} already. Choose another id."),
    marked("There is a directory {} already."),
    marked("There is a group {} already."),
    marked("There is a rule {} already. Choose another name."),
    marked("There is an API key {} already. Choose another name."),
    marked("There is no API key {}."),
    marked("There is no client {}."),
    marked("There is no directory {}."),
    marked("There is no group {}."),
    marked("There is no method {}. Known are {}."),
    marked("There is no rule {}."),
    marked("There is no setting {}."),
    marked("There is no user {}."),
    marked("This client is built in: the portal signs people in as it. Rules of the policy may name it."),
    marked("This client is the portal itself: to test it, sign in to the portal in another browser."),
    marked("This question can not be answered any more. Begin the test anew."),
    marked("Type a password or a code."),
    marked("{} is an IPv4 network in the form of IPv6; write it as IPv4."),
    marked("{} is an address inside {}; write the one that is meant."),
    marked("{} is no network; write one as 192.0.2.0/24 or 2001:db8::/64."),
    marked("a whole number from {} to {}"),
    marked("a number from {} to {}"),
    marked("a text of 1 to {} octets in one line"),
    marked("a list of {}"),
)
"""Said here as there."""

OTHERWISE = (
    (
        "A key either verifies for a client or has rights to manage, named or those of a role; name one of them.",
        marked("A key either signs people in as a client or has rights to administer: choose one of the two."),
    ),
    ("role must be one of {}.", marked("Choose a role from the list.")),
    ("step must be begin or finish.", marked("Nothing was changed. Begin anew from the page of the client.")),
    (
        "The client {} has first factors checked by {}.",
        marked("The client {} has first factors checked by {}. Change it first."),
    ),
    (
        "secret must not be empty, nor begin or end with a blank.",
        marked("A secret does not begin or end with a blank."),
    ),
    ("id must have letters a to z or digits; give one.", marked("The short name needs letters a to z or digits.")),
    (
        "pass_until must be today or later; empty is for never.",
        marked("The day until which the first factor is enough must be today or later. Leave it empty for never."),
    ),
    (
        "pass_until must be within {} days: nothing passes for good.",
        marked("The day until which the first factor is enough must be within {} days: nothing passes for good."),
    ),
    ("pass_until must be a date as 2027-01-31, or empty for never.", marked("Write the day as 2027-01-31.")),
    (
        "networks is empty; name at least one, as 192.0.2.10 or 192.0.2.0/24.",
        marked("Name at least one address or network, as 192.0.2.10 or 192.0.2.0/24."),
    ),
    ("secret {}.", marked("The secret does not fit: it {}.")),
    ("sign_in must be one of {}.", marked("Choose one of the ways to sign in.")),
    (
        "With sign_in code_only nobody here checks the first factor, so require_user_match must stay on.",
        marked("Where the code alone is asked, nobody here checks the first factor, so only known people may pass."),
    ),
    (
        "With sign_in code_only nobody here checks a first factor, so first_factor and pass_until must be empty.",
        marked(
            "Where the code alone is asked, nobody here checks a first factor, so neither a directory nor a day until "
            "which the first factor is enough can be set."
        ),
    ),
    (
        "pass_through hands MS-CHAP and EAP on to first_factor, so first_factor must name a directory.",
        marked("MS-CHAP and EAP are handed on to the directory that checks the first factor, so choose one."),
    ),
    ("time_budget must be from {} to {} seconds.", marked("The time that it waits must be from {} to {} seconds.")),
    ("rejoin_seconds must be from 0 to {}.", marked("The time in which a sign-in may be repeated: 0 to {} seconds.")),
    ("A right must be one of {}.", marked("Choose rights from the list.")),
    (
        "expires is over; name a day that is yet to come, or none.",
        marked("This day is over; name a later one, or none."),
    ),
    ("expires must be a date as 2027-01-31.", marked("Write the day as 2027-01-31.")),
    ("address must be an IP address, as 192.0.2.10.", marked("Write an IP address, as 192.0.2.10.")),
    ("address must be an IP address, as 192.0.2.10, or empty.", marked("Write an IP address, as 192.0.2.10.")),
    ("position must be from 1 to {}.", marked("The place must be from 1 to {}.")),
    ("outcome must be one of {}.", marked("Choose what the rule asks for.")),
    (
        "name holds a semicolon, which separates groups in user files; write it without.",
        marked("The name holds a semicolon, which separates groups in user files; write it without."),
    ),
    ("local is the name of our own passwords. Choose another id.", marked("“local” is taken. Choose another name.")),
    ("kind must be one of {}.", marked("Choose a kind of directory.")),
    (
        "People belong to the directory {}. Remove them first, or make them local users with --release.",
        marked("People belong to the directory {}. Remove them first, or let them become local users."),
    ),
    (
        "With sign_in code_only this client sends no password; leave it empty and type the code.",
        marked("This client sends no password; leave it empty and type the code."),
    ),
    (
        "Require user match is off, but nobody passes by it: that takes first_factor and pass_until.",
        marked(
            "People who are unknown here may pass, but nobody does: that takes a directory for the first factor and a "
            "day until which it is enough."
        ),
    ),
    ("{}: a number is needed.", marked("Write a number here.")),
    ("The further settings can not be read: {}", marked("The further settings can not be read: {}")),
    (
        "This kind of directory finds nobody without a password; type one.",
        marked("This kind of directory finds nobody without a password; type one."),
    ),
    ("{} is empty; write one.", marked("Something is missing here: fill in the field that is marked.")),
    ("{} has {} characters; shorten it to at most {}.", marked("The text has {1} characters; shorten it to {2}.")),
    (
        "{} character {} is the unprintable {}; remove it.",
        marked("Character {1} of the text is {2}, which can not be shown; remove it."),
    ),
)
"""Said in other words, since a page has no names of fields and no options."""


def said(language: Language, text: str) -> str:
    """The text of a flow as this page says it."""
    if language(text) != text:  # it is a text of a page
        return language(text)
    plain = without_command(text)
    setting = SETTING.fullmatch(plain)
    if setting is not None:
        return language(UNFIT).format(setting[1], said(language, setting[2]))
    for form, page in _forms():
        found = form.fullmatch(plain)
        if found is not None:
            return language(page).format(*found.groups())
    return plain


def without_command(text: str) -> str:
    """The text without a last sentence, or a last half of one, that names a command of ours."""
    if "vestibule " not in text:
        return text
    return COMMAND.sub("", text) or text.partition(": vestibule ")[0]


def known(text: str) -> bool:
    """Whether there are words for this text of a flow."""
    plain = without_command(text)
    return any(form.fullmatch(plain) for form, _page in _forms())


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each form with its text on pages, those with the most words of their own first."""
    same = (*AS_THEY_ARE, *people_saying.AS_THEY_ARE, *delivery_saying.AS_THEY_ARE)
    other = (*OTHERWISE, *people_saying.OTHERWISE, *delivery_saying.OTHERWISE)
    both = [*((text, text) for text in same), *other]
    both.sort(key=lambda pair: -len(pair[0].replace("{}", "")))
    return tuple((re.compile(re.escape(form).replace(r"\{\}", "(.+?)"), re.DOTALL), page) for form, page in both)
