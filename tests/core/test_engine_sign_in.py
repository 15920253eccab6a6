"""Every way to sign in, and what an unknown name, a block or the policy makes of it."""

from dataclasses import replace

import pytest

from tests.core.world import CAFE, HOME, World, reason
from vestibule.core.clients import SignIn
from vestibule.core.credentials import CredentialState
from vestibule.core.decisions import Accept, Ask, CheckPassword, Reject
from vestibule.core.events import Began
from vestibule.core.policy import Outcome
from vestibule.core.prompts import TypeCode
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Block, Mfa

ONE_FIELD = (SignIn.PASSWORD_AND_CODE, SignIn.CODE_AND_PASSWORD)


def field(sign_in: SignIn, password: str, code: str) -> str:
    return code + password if sign_in is SignIn.CODE_AND_PASSWORD else password + code


# -- the modes --------------------------------------------------------------------------------------------------


def test_a_password_is_followed_by_a_question_for_the_code() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    assert asked.prompt == TypeCode()
    assert world.answer(asked, token.code()) == Accept("alice")


def test_an_accept_names_the_groups_that_choose_the_reply() -> None:
    world = World()
    token = world.person("alice", "secret", Mfa.ENFORCED, "staff", "vpn").totp()
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice", ("staff", "vpn"))


@pytest.mark.parametrize("sign_in", ONE_FIELD)
def test_password_and_code_can_stand_in_one_field(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "secret").totp()
    assert world.begin("alice", field(sign_in, "secret", token.code())) == Accept("alice")
    assert world.checked == [CheckPassword("id-alice", Secret.of("secret"), HOME)]


@pytest.mark.parametrize("sign_in", ONE_FIELD)
@pytest.mark.parametrize("password", [" sec ret ", "123456", "pässwörd", "pass-1234567"])
def test_one_field_leaves_the_password_as_it_was_typed(sign_in: SignIn, password: str) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", password).totp()
    assert world.begin("alice", field(sign_in, password, token.code())) == Accept("alice")


def test_one_field_leaves_a_password_in_another_encoding_as_it_was_typed() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    token = world.person("alice").totp()
    world.begin("alice", "pässwörd".encode("latin-1") + token.code().encode())
    assert world.checked[0].password == Secret("pässwörd".encode("latin-1"))


@pytest.mark.parametrize("sign_in", ONE_FIELD)
def test_one_field_finds_a_code_of_six_or_of_eight_digits(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    alice = world.person("alice", "secret")
    short, long = alice.totp(), alice.totp(b"another secret, twenty", digits=8)
    assert world.begin("alice", field(sign_in, "secret", long.code())) == Accept("alice")
    assert world.begin("alice", field(sign_in, "secret", short.code())) == Accept("alice")


@pytest.mark.parametrize("sign_in", ONE_FIELD)
@pytest.mark.parametrize("dashes", [True, False])
def test_one_field_finds_a_recovery_code_with_or_without_its_dashes(sign_in: SignIn, *, dashes: bool) -> None:
    world = World().client("vpn", sign_in)
    code = world.person("alice", "secret").recovery_codes()[0]
    code = code if dashes else code.replace("-", "").lower()
    assert world.begin("alice", field(sign_in, "secret", code)) == Accept("alice")


def test_a_code_alone_is_enough_where_the_client_has_checked_the_password() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    token = world.person("alice").totp()
    assert world.begin("alice", token.code()) == Accept("alice")
    assert world.checked == []


def test_an_empty_field_is_answered_by_a_question_where_the_client_has_checked_the_password() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    token = world.person("alice").totp()
    assert world.sign_in("alice", "", token.code()) == Accept("alice")


@pytest.mark.parametrize("sign_in", SignIn)
def test_a_wrong_code_is_refused_in_every_mode(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "secret").totp()
    typed = {SignIn.CODE_ONLY: "", SignIn.PASSWORD_THEN_CODE: "secret"}.get(
        sign_in, field(sign_in, "secret", token.wrong())
    )
    assert reason(world.sign_in("alice", typed, token.wrong())) is Reason.WRONG_CODE
    assert world.failures_of("alice", token.id) == 1


def test_one_field_with_a_wrong_code_never_reaches_the_directory() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    token = world.person("alice", "secret").totp()
    world.begin("alice", "secret" + token.wrong())
    assert world.checked == []


def test_one_field_with_the_right_code_and_a_wrong_password_leaves_the_code_unspent() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    token = world.person("alice", "secret").totp()
    assert reason(world.begin("alice", "wrong" + token.code())) is Reason.WRONG_PASSWORD
    assert token.seed.last_step == -1
    assert world.begin("alice", "secret" + token.code()) == Accept("alice")


def test_a_wrong_password_asks_for_nothing() -> None:
    world = World()
    world.person("alice", "secret").totp()
    assert reason(world.begin("alice", "wrong")) is Reason.WRONG_PASSWORD
    assert world.attempts == {}


@pytest.mark.requirement(22)
@pytest.mark.parametrize("sign_in", SignIn)
def test_one_sign_in_checks_the_password_at_most_once_however_many_tokens_there_are(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    alice = world.person("alice", "secret")
    tokens = [alice.totp(bytes([n]) * 20, digits=6 + n % 3) for n in range(12)]
    world.begin("alice", "secret" + tokens[7].code())
    assert len(world.checked) <= 1


# -- empty passwords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in", ONE_FIELD)
def test_a_right_code_beside_an_empty_password_is_refused_without_a_directory(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "").totp()
    assert reason(world.begin("alice", token.code())) is Reason.WRONG_PASSWORD
    assert world.checked == []
    assert token.seed.last_step == -1


@pytest.mark.parametrize("name", ["alice", "nobody"])
@pytest.mark.parametrize("mfa", Mfa)
def test_an_empty_password_is_refused_without_a_directory_for_every_name(name: str, mfa: Mfa) -> None:
    world = World()
    world.person("alice", "", mfa).totp()
    assert isinstance(world.begin(name, ""), Reject)
    assert world.checked == []


# -- nobody -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(23)
@pytest.mark.parametrize("sign_in", SignIn)
@pytest.mark.parametrize("typed", ["wrong", ""])
def test_an_unknown_name_takes_the_way_of_a_wrong_password_or_code(sign_in: SignIn, typed: str) -> None:
    world = World().client("vpn", sign_in)
    world.person("alice", "secret").totp()
    known = world.happens(world.began("alice", typed))
    unknown = world.happens(world.began("nobody", typed))
    assert type(known.decision) is type(unknown.decision)
    assert (known.order is None) == (unknown.order is None)
    assert (known.case.attempt is None) == (unknown.case.attempt is None)


def test_an_unknown_name_is_checked_against_nobody_and_refused() -> None:
    world = World()
    assert reason(world.begin("nobody", "anything")) is Reason.UNKNOWN_USER
    assert world.checked == [CheckPassword("", Secret.of("anything"), HOME)]


def test_an_unknown_name_that_was_asked_for_a_code_is_refused_when_it_answers() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    assert reason(world.sign_in("nobody", "", "123456")) is Reason.UNKNOWN_USER
    assert world.attempts == {}


@pytest.mark.requirement(21)
@pytest.mark.parametrize("name", ["", " ", "nobody", "ALICE\0", "id-alice"])
@pytest.mark.parametrize("sign_in", SignIn)
def test_a_blank_or_unknown_name_raises_nobodys_counter(name: str, sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    world.person("alice", "secret").totp()
    for _ in range(30):
        assert isinstance(world.sign_in(name, "wrong", "000000"), Reject)
        assert isinstance(world.sign_in(name, "", "000000"), Reject)
    assert not any(world.failures.values())


# -- blocked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in", SignIn)
def test_a_blocked_person_is_refused_before_anything_is_checked(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    alice = world.person("alice", "secret")
    token = alice.totp()
    alice.is_blocked()
    assert reason(world.sign_in("alice", "secret" + token.code(), token.code())) is Reason.BLOCKED
    assert world.checked == []


def test_a_block_ends_by_itself() -> None:
    world = World()
    alice = world.person("alice", "secret")
    token = alice.totp()
    alice.is_blocked(until=world.at + 60)
    assert reason(world.begin("alice", "secret")) is Reason.BLOCKED
    assert world.later(60).sign_in("alice", "secret", token.code()) == Accept("alice")


# -- second factor on and off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_THEN_CODE, *ONE_FIELD])
def test_a_person_without_second_factor_signs_in_by_password_alone(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "secret", Mfa.OFF).totp()
    assert world.begin("alice", "secret") == Accept("alice")
    assert reason(world.begin("alice", field(sign_in, "secret", token.code()))) is Reason.WRONG_PASSWORD


def test_a_person_without_second_factor_is_refused_where_only_codes_are_checked() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    token = world.person("alice", "secret", Mfa.OFF).totp()
    assert reason(world.answer(world.begin("alice", ""), token.code())) is Reason.NOT_ENROLLED
    assert reason(world.begin("alice", token.code())) is Reason.NOT_ENROLLED


def test_the_first_code_completes_the_registration() -> None:
    world = World()
    alice = world.person("alice", "secret", Mfa.ENABLED)
    token = alice.totp()
    world.begin("alice", "secret")
    before = alice.user
    world.sign_in("alice", "secret", token.code())
    assert (before.mfa, before.version) == (Mfa.ENABLED, 1)
    assert (alice.user.mfa, alice.user.version) == (Mfa.ENFORCED, 2)


def test_a_password_alone_completes_no_registration() -> None:
    world = World().rule(Outcome.ALLOW)
    alice = world.person("alice", "secret", Mfa.ENABLED)
    assert world.begin("alice", "secret") == Accept("alice")
    assert alice.user.mfa is Mfa.ENABLED


@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_THEN_CODE, *ONE_FIELD])
def test_a_person_without_credentials_is_not_enrolled(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    world.person("alice", "secret", Mfa.ENABLED)
    assert reason(world.begin("alice", "secret")) is Reason.NOT_ENROLLED


def test_a_person_without_credentials_is_not_enrolled_for_codes_alone_either() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    world.person("alice")
    assert reason(world.begin("alice", "123456")) is Reason.NOT_ENROLLED
    assert reason(world.answer(world.begin("alice", ""), "123456")) is Reason.NOT_ENROLLED


@pytest.mark.requirement(23)
def test_an_empty_field_is_answered_by_the_same_question_whoever_asks() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    world.rule(Outcome.DENY, groups=("denied",))
    world.person("alice").totp()
    world.person("denied", "secret", Mfa.ENFORCED, "denied").totp()
    world.person("bare")
    world.person("off", mfa=Mfa.OFF).totp()
    blocked = world.person("blocked")
    world.users[blocked.user.id] = replace(blocked.user, block=Block(0.0, world.at + 1000, "admin", "left"))
    for name in ("alice", "denied", "bare", "off", "blocked", "nobody"):
        assert isinstance(world.begin(name, ""), Ask), name


def test_a_credential_that_was_never_proven_does_not_count() -> None:
    world = World()
    world.person("alice", "secret").totp(state=CredentialState.PENDING)
    assert reason(world.begin("alice", "secret")) is Reason.NOT_ENROLLED


def test_a_short_key_counts_until_the_day_of_its_waiver() -> None:
    world = World()
    token = world.person("alice", "secret").totp(b"ten octets", waiver_until=world.at + 60)
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")
    assert reason(world.later(60).begin("alice", "secret")) is Reason.NOT_ENROLLED


def test_a_client_that_can_put_no_question_has_no_usable_prompt() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE, holds=False)
    world.person("alice", "secret").tap()
    assert reason(world.begin("alice", "secret")) is Reason.NO_USABLE_PROMPT


# -- policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in", SignIn)
def test_a_rule_can_deny_before_anything_is_checked(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in).rule(Outcome.DENY, clients=("vpn",))
    token = world.person("alice", "secret").totp()
    assert reason(world.begin("alice", "secret" + token.code())) is Reason.DENIED_BY_POLICY
    assert world.checked == []


@pytest.mark.parametrize(
    ("conditions", "spoken_for"),
    [
        ({"clients": ("vpn",)}, True),
        ({"clients": ("mail",)}, False),
        ({"groups": ("staff",)}, True),
        ({"groups": ("guests",)}, False),
        ({"networks": ("192.0.2.0/24",)}, True),
        ({"networks": ("198.51.100.0/24",)}, False),
        ({"clients": ("vpn",), "groups": ("guests",)}, False),
        ({"clients": ("vpn",), "groups": ("staff",), "networks": ("192.0.2.1/32",)}, True),
    ],
)
def test_a_rule_speaks_for_clients_groups_and_networks(
    conditions: dict[str, tuple[str, ...]], *, spoken_for: bool
) -> None:
    world = World().rule(Outcome.ALLOW, **conditions)
    world.person("alice", "secret", Mfa.ENFORCED, "staff").totp()
    assert isinstance(world.begin("alice", "secret"), Accept if spoken_for else Ask)


@pytest.mark.parametrize("sign_in", ONE_FIELD)
def test_where_the_first_factor_is_enough_the_whole_field_is_the_password(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in).rule(Outcome.ALLOW)
    world.person("alice", "secret123456").totp()
    assert world.begin("alice", "secret123456") == Accept("alice")


def test_an_address_that_the_client_does_not_tell_is_inside_no_network() -> None:
    world = World().rule(Outcome.ALLOW, networks=("0.0.0.0/0", "::/0"))
    world.person("alice", "secret").totp()
    assert isinstance(world.begin("alice", "secret", "02-00-5E-10-00-00"), Ask)


@pytest.mark.parametrize("method", ["totp", "hotp"])
def test_a_rule_that_names_methods_takes_no_other(method: str) -> None:
    world = World().rule(Outcome.REQUIRE, methods=(method,))
    alice = world.person("alice", "secret")
    codes = {"totp": alice.totp().code(), "hotp": alice.hotp().press(0)}
    other = next(code for name, code in codes.items() if name != method)
    assert reason(world.sign_in("alice", "secret", other)) is Reason.WRONG_CODE
    assert world.sign_in("alice", "secret", codes[method]) == Accept("alice")


@pytest.mark.parametrize("sign_in", SignIn)
def test_a_rule_that_names_methods_nobody_has_leaves_no_usable_prompt(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in).rule(Outcome.REQUIRE, methods=("passkey",))
    token = world.person("alice", "secret").totp()
    typed = token.code() if sign_in is SignIn.CODE_ONLY else "secret"
    assert reason(world.begin("alice", typed)) is Reason.NO_USABLE_PROMPT


@pytest.mark.parametrize("conditions", [{}, {"groups": ("staff",)}, {"networks": ("192.0.2.0/24",)}])
@pytest.mark.parametrize("typed", ["", "anything"])
def test_a_general_rule_waives_no_code_where_nobody_here_has_seen_a_password(
    conditions: dict[str, tuple[str, ...]], typed: str
) -> None:
    world = World().client("vpn", SignIn.CODE_ONLY).rule(Outcome.ALLOW, **conditions)
    world.person("alice", "secret", Mfa.ENFORCED, "staff").totp()
    assert not isinstance(world.begin("alice", typed), Accept)


def test_a_rule_for_this_very_client_waives_the_code_where_the_client_has_checked_the_password() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY).rule(Outcome.ALLOW, clients=("vpn",))
    world.person("alice").totp()
    assert world.begin("alice", "") == Accept("alice")


def test_a_rule_cannot_wake_a_person_without_second_factor_where_only_codes_are_checked() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY).rule(Outcome.ALLOW, networks=("192.0.2.0/24",))
    world.person("alice", mfa=Mfa.OFF).totp()
    assert reason(world.answer(world.begin("alice", "", CAFE), "123456")) is Reason.NOT_ENROLLED
    assert reason(world.begin("alice", "123456")) is Reason.NOT_ENROLLED


# -- what the field may hold ------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", ["０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⁰¹²³⁴⁵⁶⁷⁸⁹"])
@pytest.mark.parametrize("sign_in", SignIn)
def test_digits_of_another_script_are_no_digits(sign_in: SignIn, digits: str) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "secret").totp()
    strange = "".join(digits[int(digit)] for digit in token.code())
    typed = {SignIn.CODE_ONLY: strange, SignIn.PASSWORD_THEN_CODE: "secret"}.get(
        sign_in, field(sign_in, "secret", strange)
    )
    assert reason(world.sign_in("alice", typed, strange)) is Reason.WRONG_CODE
    assert token.seed.last_step == -1


@pytest.mark.parametrize("sign_in", SignIn)
@pytest.mark.parametrize("octets", [b"\xff" * 40, b"\0" * 16, b"\xed\xa0\x80" * 3, b" " * 64, b"123456" * 40])
def test_octets_that_make_no_sense_are_refused_like_others(sign_in: SignIn, octets: bytes) -> None:
    world = World().client("vpn", sign_in)
    alice = world.person("alice", "secret")
    alice.totp()
    alice.recovery_codes()
    step = world.happens(Began("vpn", "alice", "alice", Secret(octets), HOME))
    assert not isinstance(step.decision, Accept)


def test_a_code_may_be_typed_between_blanks() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    assert world.sign_in("alice", "secret", f" {token.code()}\n") == Accept("alice")
