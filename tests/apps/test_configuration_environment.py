"""The environment over the file: plain variables, `_FILE` variables, and names that mean nothing."""

import os
from pathlib import Path

import pytest

from vestibule.apps.configuration import Configuration, ConfigurationWrong, Listener, Problem, load
from vestibule.apps.configuration.keys import KEYS, Key
from vestibule.apps.configuration.variables import FOREIGN

MARKER = "kJ7marker9Qz4marker2Wx"


def problem(environment: dict[str, str]) -> Problem:
    with pytest.raises(ConfigurationWrong) as caught:
        load(None, environment)
    (only,) = caught.value.problems
    return only


def loaded(**environment: str) -> Configuration:
    return load(None, {f"VESTIBULE_{name}": text for name, text in environment.items()})


def test_a_variable_counts_more_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "vestibule.toml"
    path.write_text("[radius]\nduplicate_seconds = 20\nin_flight_limit = 5\n")
    configuration = load(path, {"VESTIBULE_RADIUS_DUPLICATE_SECONDS": "50", "HOME": "/root"})
    assert configuration.radius.duplicate_seconds == 50
    assert configuration.radius.in_flight_limit == 5


def test_every_kind_of_value_can_stand_in_a_variable() -> None:
    configuration = loaded(
        DATA_DIRECTORY="/srv/mfa",
        KEY_FILE="/run/key",
        RADIUS_LISTEN="127.0.0.1:0, [::1]:1812",
        RADIUS_ACCOUNTING="false",
        RADIUS_REJECT_DELAY_SECONDS="1.5",
        RADIUS_DICTIONARIES="",
        PASSWORDS_WORKERS=" 4 ",
        LOG_FORMAT="console",
        SERVER_ADDRESS="2001:db8::1",
    )
    assert configuration.data_directory == Path("/srv/mfa")
    assert configuration.key.file == Path("/run/key")
    assert configuration.radius.listen == (Listener("127.0.0.1", 0), Listener("::1", 1812))
    assert configuration.radius.accounting is False
    assert configuration.radius.reject_delay_seconds == 1.5
    assert configuration.radius.dictionaries == ()
    assert configuration.passwords.workers == 4
    assert configuration.log.format == "console"
    assert configuration.server.address == "2001:db8::1"


@pytest.mark.parametrize("text", ["yes", "True", "1", "", "'true'", "true\nx = 1\n[", "[" * 3000, "9" * 5000])
def test_a_boolean_is_true_or_false_and_nothing_else(text: str) -> None:
    found = problem({"VESTIBULE_RADIUS_ACCOUNTING": text})
    assert str(found.place) == "VESTIBULE_RADIUS_ACCOUNTING"
    assert found.key == "radius.accounting"
    assert found.remedy.endswith("Example: VESTIBULE_RADIUS_ACCOUNTING=true")


def test_a_variable_names_a_file_that_holds_the_value(tmp_path: Path) -> None:
    path = tmp_path / "listen"
    path.write_text("127.0.0.1:0,127.0.0.2:0\n")
    listeners = load(None, {"VESTIBULE_RADIUS_LISTEN_FILE": str(path)}).radius.listen
    assert listeners == (Listener("127.0.0.1", 0), Listener("127.0.0.2", 0))


def test_the_path_of_the_master_key_can_stand_in_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "where"
    path.write_text("/run/key\n")
    assert load(None, {"VESTIBULE_KEY_FILE_FILE": str(path)}).key.file == Path("/run/key")


def test_a_wrong_value_from_a_file_names_variable_and_file(tmp_path: Path) -> None:
    path = tmp_path / "workers"
    path.write_text("many\n")
    found = problem({"VESTIBULE_PASSWORDS_WORKERS_FILE": str(path)})
    assert str(found.place) == f"VESTIBULE_PASSWORDS_WORKERS_FILE ({path})"
    assert found.key == "passwords.workers"


def test_a_variable_and_its_file_at_once_are_refused() -> None:
    found = problem({"VESTIBULE_LOG_LEVEL": "info", "VESTIBULE_LOG_LEVEL_FILE": "/run/level"})
    assert found.key == "log.level"
    assert "VESTIBULE_LOG_LEVEL_FILE is set, too" in found.what


def test_a_missing_file_behind_a_variable_is_refused(tmp_path: Path) -> None:
    found = problem({"VESTIBULE_LOG_LEVEL_FILE": str(tmp_path / "missing")})
    assert "No such file" in found.what


def test_a_value_where_a_path_belongs_is_refused_and_not_repeated() -> None:
    found = problem({"VESTIBULE_DATABASE_URL_FILE": MARKER})
    assert "absolute path" in found.what
    assert MARKER not in str(found)


def test_a_pipe_behind_a_variable_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a plain file" in problem({"VESTIBULE_LOG_LEVEL_FILE": str(tmp_path / "pipe")}).what


@pytest.mark.parametrize(("content", "what"), [(b"x" * 65_537, "at most 64 KiB"), (b"\xff", "not UTF-8")])
def test_a_file_that_holds_no_plain_value_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "value"
    path.write_bytes(content)
    assert what in problem({"VESTIBULE_LOG_LEVEL_FILE": str(path)}).what


@pytest.mark.requirement(52)
@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_file_with_a_password_must_not_be_open_to_everybody(tmp_path: Path, mode: int, *, refused: bool) -> None:
    path = tmp_path / "url"
    path.write_text("sqlite:////srv/vestibule.db")
    path.chmod(mode)
    environment = {"VESTIBULE_DATABASE_URL_FILE": str(path)}
    if refused:
        assert problem(environment).remedy == f"Run: chmod o-rw {path}"
    else:
        assert load(None, environment).database.file == Path("/srv/vestibule.db")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("VESTIBULE_RADIUS_LISTENS", "Did you mean VESTIBULE_RADIUS_LISTEN?"),
        ("VESTIBULE_KEY", "Did you mean VESTIBULE_KEY_FILE?"),
        ("VESTIBULE_MASTER_KEY_FILE", "Did you mean VESTIBULE_KEY_FILE?"),
        ("VESTIBULE_DEMO_DIRECTORY", "Did you mean VESTIBULE_D"),
        ("VESTIBULE_QQ", "Remove it"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_may_be_meant(name: str, hint: str) -> None:
    found = problem({name: MARKER})
    assert str(found.place) == name
    assert hint in found.remedy
    assert MARKER not in str(found)


def test_variables_of_other_parts_of_the_product_are_left_alone() -> None:
    load(None, dict.fromkeys(FOREIGN, "0"))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_an_error_never_repeats_the_text_of_a_variable(key: Key, suffix: str, tmp_path: Path) -> None:
    name = key.environment + suffix
    path = tmp_path / "value"
    path.write_text(f"{MARKER} \x07 {MARKER}")
    path.chmod(0o600)
    found = problem({name: str(path) if suffix else f"{MARKER} \x07"})
    assert name in str(found)
    assert MARKER not in str(found)


def test_no_two_keys_share_a_variable() -> None:
    names = [name for key in KEYS.values() for name in (key.environment, key.environment_file)]
    assert len({*names, *FOREIGN}) == len(names) + len(FOREIGN)
