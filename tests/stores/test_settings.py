"""Settings go from JSON texts to one frozen value and back; what does not fit is named, what is unknown left alone."""

from dataclasses import fields, replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.store.samples import UNUSUAL
from vestibule.core.clients import Client
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import Limits
from vestibule.core.journal import OPTIONAL_FIELDS
from vestibule.core.policy import Outcome, Rule
from vestibule.core.secret import Secret
from vestibule.core.sending import Sending
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Group
from vestibule.stores.settings import Value, build_snapshot, known_settings, setting_texts, settings_from

OTHER_SENDING = Sending(
    **{
        field.name: default + 1
        for field in fields(Sending)
        if isinstance(default := getattr(Sending(), field.name), int | float)
        if field.name not in {"text_seconds", "mail_seconds", "reply_seconds"}
    },  # type: ignore[arg-type]
    text_seconds=60.0,
    mail_seconds=60.0,
    reply_seconds=60.0,
    text_template="<$otp$> ist der Code",
    reply_template="Antworten: <$otp$>",
    mail_template="Code <$otp$>",
    fraud_code="99",
    regions=("NL", "US"),
    number_types=("mobile",),
    currency="EUR",
)
CHANGED = Settings(
    limits=Limits(3, 30, 50, 10.5, 600.0, 3600.0),
    sending=OTHER_SENDING,
    challenge_seconds=60.0,
    challenge_tries=3,
    journal_fields=("full_name", "client_address"),
    journal_keep_days=365,
    session_idle_seconds=900.0,
    session_longest_seconds=28_800.0,
    session_proof_seconds=120.0,
    claim_free_tokens=1,
    fraud_block_seconds=3600.0,
    passkey_models=("cb69481e-8ff7-4039-93ec-0a2729a154a8",),
    passkey_attestation=1,
    access_pass_minutes=30,
    caller_check_by_note=0,
    text_code_sent="Code an {to}",
    text_call="Anruf {to}",
    text_reply="Antwort {to}",
    text_other_ways="oder {ways}",
    text_enter_code="Code – bitte",
    text_wait="Warten",
    text_refused="Nein",
)


def test_every_setting_is_known_and_explained() -> None:
    names = {field.name for field in fields(Settings)} - {"limits", "sending"}
    names |= {f"limits.{field.name}" for field in fields(Limits)}
    names |= {f"sending.{field.name}" for field in fields(Sending)}
    assert set(known_settings()) == names
    for name, setting in known_settings().items():
        assert (setting.name, setting.help[-1]) == (name, ".")
        assert setting.kind in get_args(Value) or setting.kind is tuple
        assert setting.fits


def test_nothing_stored_means_the_defaults() -> None:
    assert settings_from({}) == (Settings(), [])
    assert setting_texts(Settings()) == {}


def test_settings_go_to_texts_and_back() -> None:
    texts = setting_texts(CHANGED)
    assert set(texts) == set(known_settings())
    assert texts["limits.first_delay"] == "10.5"
    assert texts["text_enter_code"] == '"Code – bitte"'
    assert settings_from(texts) == (CHANGED, [])


def test_the_defaults_fit() -> None:
    texts = {**setting_texts(CHANGED), "journal_keep_days": "0"}
    for name in known_settings():
        rest = {other: text for other, text in texts.items() if other != name}
        assert setting_texts(settings_from(rest).settings).keys() <= rest.keys()


def test_unknown_names_are_told_and_ignored() -> None:
    texts = {"z": "1", "limits.new": "nonsense", "limits": "{}", "challenge_tries": "2"}
    assert settings_from(texts) == (Settings(challenge_tries=2), ["limits", "limits.new", "z"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("limits.source_tries", "0"),
        ("limits.source_tries", "-1"),
        ("limits.source_tries", "3.0"),
        ("limits.source_tries", "true"),
        ("limits.source_tries", '"3"'),
        ("limits.source_tries", "null"),
        ("limits.source_tries", "3 4"),
        ("limits.source_tries", ""),
        ("limits.source_tries", "1e400"),
        ("limits.hard_stop", "101"),
        ("limits.first_delay", "NaN"),
        ("limits.longest_delay", "Infinity"),
        ("challenge_seconds", "601"),
        ("challenge_seconds", "[60]"),
        ("journal_fields", '"email"'),
        ("journal_fields", '["user_name"]'),
        ("journal_fields", "[1]"),
        ("sending.regions", '["us"]'),
        ("sending.regions", "[7]"),
        ("sending.number_types", '["premium_rate"]'),
        ("sending.fraud_code", '"0#"'),
        ("sending.text_template", '"no place for the code"'),
        ("sending.person_in_day", "0"),
        ("sending.money_in_day", "0"),
        ("text_refused", '""'),
        ("text_refused", '"two\\nlines"'),
        ("text_refused", f'"{"é" * 127}"'),
        ("text_refused", '"\\ud800"'),
        ("text_refused", "Nein"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"The setting {name} must be .+[.]"):
        settings_from({**setting_texts(CHANGED), name: text})


@pytest.mark.requirement(18)
def test_the_hard_stop_cannot_be_set_above_a_hundred() -> None:
    assert settings_from({"limits.hard_stop": "100"}).settings.limits.hard_stop == 100
    with pytest.raises(ValueError, match=r"limits\.hard_stop"):
        settings_from({"limits.hard_stop": "1000"})


def test_a_whole_number_will_do_where_parts_are_allowed() -> None:
    seconds = settings_from({"challenge_seconds": "60"}).settings.challenge_seconds
    assert (seconds, type(seconds)) == (60.0, float)


def test_journal_fields_are_kept_once_each_in_their_order() -> None:
    """The chain takes as many names as there are fields for all of them."""
    texts = {"journal_fields": '["source", "email", "email", "email", "email", "email"]'}
    assert settings_from(texts).settings.journal_fields == ("email", "source")
    assert settings_from({"journal_fields": "[]"}).settings.journal_fields == ()
    assert settings_from(setting_texts(Settings(journal_fields=OPTIONAL_FIELDS[::-1]))).settings == Settings()


@given(st.sampled_from(sorted(known_settings())), st.text())
def test_no_text_does_more_than_fit_or_be_refused(name: str, text: str) -> None:
    try:
        settings = settings_from({name: text}).settings
    except ValueError as error:
        assert name in str(error)  # noqa: PT017 - either end is right
    else:
        assert settings_from(setting_texts(settings)).settings == settings


def test_a_snapshot_is_in_order_and_frozen() -> None:
    client = Client("vpn", UNUSUAL, (), ())
    rules = [Rule("b", 2, "", Outcome.ALLOW), Rule("c", 1, "", Outcome.DENY), Rule("a", 2, "", Outcome.ALLOW)]
    corp = DirectoryRecord("corp", "ldap", "{}", Secret(b""))
    snapshot = build_snapshot(7, CHANGED, [client], rules, [Group("staff")], [corp])
    in_order = (rules[1], rules[2], rules[0])
    expected = Snapshot(7, CHANGED, {"vpn": client}, in_order, {"staff": Group("staff")}, {"corp": corp})
    maps = {"clients": dict(snapshot.clients), "groups": dict(snapshot.groups)}
    assert replace(snapshot, **maps, directories=dict(snapshot.directories)) == expected  # type: ignore[arg-type]  # as listed
    with pytest.raises(TypeError):
        snapshot.clients["other"] = client  # type: ignore[index]  # that is the point


@pytest.mark.requirement(8)
def test_no_question_can_be_set_to_live_longer_than_ten_minutes() -> None:
    assert settings_from({"challenge_seconds": "600"}).settings.challenge_seconds == 600
    with pytest.raises(ValueError, match="challenge_seconds"):
        settings_from({"challenge_seconds": "601"})
