"""Start-up configuration: what the file may say, and how it is told that it is wrong."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from vestibule.apps.configuration import (
    Configuration,
    ConfigurationWrong,
    Listener,
    Place,
    Problem,
    explain,
    load,
    locate,
)
from vestibule.apps.configuration.keys import KEYS

MARKER = "kJ7marker9Qz4marker2Wx"

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str) -> Path:
        path = tmp_path / "vestibule.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, environment: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationWrong) as caught:
        load(path, environment or {})
    return caught.value.problems


def problem(path: Path | None, environment: Mapping[str, str] | None = None) -> Problem:
    (only,) = problems(path, environment)
    return only


def test_no_file_and_no_environment_give_the_defaults() -> None:
    configuration = load(None, {})
    assert configuration.data_directory == Path("/var/lib/vestibule")
    assert configuration.server.name == os.uname().nodename
    assert configuration.server.address is None
    assert configuration.server.control_socket == Path("/var/lib/vestibule/control.sock")
    assert configuration.key.file == Path("/etc/vestibule/master.key")
    assert configuration.database.url == "sqlite:////var/lib/vestibule/vestibule.db"
    assert configuration.database.file == Path("/var/lib/vestibule/vestibule.db")
    assert configuration.radius.listen == (Listener("0.0.0.0", 1812),)
    assert configuration.http.listen == Listener("127.0.0.1", 9464)
    assert configuration.passwords.memory_kib == 19456
    assert not configuration.demo.enabled


def test_an_empty_file_gives_the_defaults(written: Written) -> None:
    assert load(written(""), {}).model_dump() == load(None, {}).model_dump()


def test_the_file_sets_every_kind_of_value(written: Written) -> None:
    configuration = load(
        written(
            'data_directory = "/srv/mfa"\n'
            "[radius]\n"
            'listen = ["192.0.2.1:1812", "[2001:db8::1]:0"]\n'
            "accounting = false\n"
            "reject_delay_seconds = 2\n"
            "duplicate_seconds = 45\n"
            'dictionaries = ["/etc/vestibule/dictionary.acme"]\n'
            '[log]\nformat = "console"\n'
        ),
        {},
    )
    assert configuration.radius.listen == (Listener("192.0.2.1", 1812), Listener("2001:db8::1", 0))
    assert configuration.radius.accounting is False
    assert configuration.radius.reject_delay_seconds == 2.0
    assert configuration.radius.duplicate_seconds == 45
    assert configuration.radius.dictionaries == (Path("/etc/vestibule/dictionary.acme"),)
    assert configuration.log.format == "console"
    assert configuration.database.file == Path("/srv/mfa/vestibule.db")
    assert configuration.server.control_socket == Path("/srv/mfa/control.sock")


def test_a_byte_order_mark_and_windows_line_ends_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "vestibule.toml"
    path.write_bytes(b'\xef\xbb\xbf[log]\r\nlevel = "error"\r\nfromat = "json"\r\n')
    assert problem(path).place == Place(str(path), 3)


def test_a_configuration_cannot_be_changed() -> None:
    configuration = load(None, {})
    with pytest.raises(ValidationError, match="frozen"):
        configuration.radius.accounting = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        ('[radius]\n\nlisen = ["127.0.0.1:0"]\n', 3, "radius.lisen", "Did you mean listen?"),
        ("[passwords]\nmemory = 19456\n", 2, "passwords.memory", "Did you mean memory_kib?"),
        ("[http]\naccounting = true\n", 2, "http.accounting", "Did you mean accounting in [radius]?"),
        ("queue_limit = 3\n", 1, "queue_limit", "queue_limit in [database] or queue_limit in [passwords]"),
        (
            '[log]\ndata_directory = "/srv"\n',
            2,
            "log.data_directory",
            "Did you mean data_directory, above the first section?",
        ),
        ("[log]\nzzz = 1\n", 2, "log.zzz", "Remove it; the keys here are format, level."),
        ('# first\n[raduis]\nlisten = ["127.0.0.1:0"]\n', 2, "raduis", "Did you mean [radius]?"),
        ("[qqqq]\n", 1, "qqqq", "Remove it; the sections are server,"),
        ("radius = 3\n", 1, "radius", "Write [radius] on a line of its own"),
        ("[[radius]]\n", 1, "radius", "Write [radius] on a line of its own"),
        ('"radius.accounting" = false\n', 1, "radius.accounting", "Did you mean accounting in [radius]?"),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_may_be_meant(
    written: Written, text: str, line: int, key: str, hint: str
) -> None:
    path = written(text)
    found = problem(path)
    assert found.place == Place(str(path), line)
    assert found.key == key
    assert hint in found.remedy


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("[radius]\nduplicate_seconds = '30'\n", "radius.duplicate_seconds", "from 10 to 60; it is text."),
        ("[radius]\nduplicate_seconds = 30.0\n", "radius.duplicate_seconds", "from 10 to 60; it is a number."),
        ("[radius]\nduplicate_seconds = true\n", "radius.duplicate_seconds", "it is true or false."),
        (
            "[radius]\nduplicate_seconds = 61\n",
            "radius.duplicate_seconds",
            "This must be a whole number from 10 to 60.",
        ),
        ("[radius]\nreject_delay_seconds = 0\n", "radius.reject_delay_seconds", "This must be a number from 1 to 10."),
        ("[radius]\nreject_delay_seconds = nan\n", "radius.reject_delay_seconds", "a number from 1 to 10."),
        ("[radius]\naccounting = 1\n", "radius.accounting", "must be true or false; it is a whole number."),
        ("[radius]\nlisten = '0.0.0.0:1812'\n", "radius.listen", "must be a list of IP addresses"),
        ("[radius]\nlisten = []\n", "radius.listen", "nobody could sign in"),
        (
            "[radius]\nlisten = ['127.0.0.1:0', 1812]\n",
            "radius.listen, item 2",
            "must be text; this is a whole number.",
        ),
        ("[radius]\nlisten = ['::1:1812']\n", "radius.listen, item 1", "not an address with a port"),
        ("[radius]\nlisten = ['0.0.0.0']\n", "radius.listen, item 1", "not an address with a port"),
        ("[radius]\nlisten = [':1812']\n", "radius.listen, item 1", "not an IP address"),
        ("[radius]\nlisten = ['localhost:1812']\n", "radius.listen, item 1", "names are not looked up"),
        ("[radius]\nlisten = ['[127.0.0.1]:1812']\n", "radius.listen, item 1", "Only an IPv6 address"),
        ("[radius]\nlisten = ['127.0.0.1:65536']\n", "radius.listen, item 1", "above 65535"),
        ("[radius]\nlisten = ['127.0.0.1:65535']\n", "radius.listen", "above 65535"),
        ("[radius]\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\n", "radius.listen", "need the same port"),
        ("[http]\nlisten = '0.0.0.0:9464'\n", "http.listen", "loopback only"),
        ("[http]\nlisten = 9464\n", "http.listen", "it is a whole number."),
        ("[http]\nlisten = 2026-01-01\n", "http.listen", "it is a date."),
        ("[server]\nname = 'two words'\n", "server.name", "not a plain name"),
        ("[server]\naddress = 'here'\n", "server.address", "not an IP address"),
        ("[key]\nfile = 'master.key'\n", "key.file", "does not begin with a slash"),
        ("[key.file]\nname = 'master.key'\n", "key.file", "it is a table."),
        ('[key]\nfile = "/etc/\\u0007"\n', "key.file", "control characters"),
        (f"[server]\ncontrol_socket = '/{'x' * 107}'\n", "server.control_socket", "longer than the 107 bytes"),
        ("[database]\nurl = 'postgresql://db/vestibule'\n", "database.url", "how the way to it is protected"),
        ("[database]\nurl = 'sqlite:///vestibule.db'\n", "database.url", "four slashes"),
        ("[database]\nurl = 'sqlite://'\n", "database.url", "four slashes"),
        ("[database]\nurl = 'sqlite:////a.db?mode=ro'\n", "database.url", "nothing more"),
        ("[log]\nformat = 'jsn'\n", "log.format", 'must be "json" or "console".'),
        ("[passwords]\nmemory_kib = 1024\n", "passwords.memory_kib", "from 19456 to"),
    ],
)
def test_a_wrong_value_is_refused_at_its_line(written: Written, text: str, key: str, what: str) -> None:
    path = written(text)
    found = problem(path)
    assert found.place == Place(str(path), 1 if text.startswith("[key.file]") else 2)
    assert found.key == key
    assert what in found.what
    assert found.remedy


def test_a_value_without_a_remedy_of_its_own_is_shown_by_example(written: Written) -> None:
    found = problem(written("[radius]\nduplicate_seconds = 9\n"))
    assert found.remedy.endswith("remembered answer. Example: duplicate_seconds = 30")


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("[log]\nlevel = warning\n", 2, 9, "Invalid value"),
        ('[log]\nlevel = "info\n', 2, 14, "Illegal character"),
        ('[log]\nlevel = """info\n', 3, 0, "Unterminated string"),
        ("[log]\n[log]\n", 2, 5, "Cannot declare"),
        (f"a = {'9' * 5000}\n", 2, 0, "Exceeds the limit"),
        (f"a = {'[' * 3000}\n", 2, 0, "This is not TOML"),
    ],
)
def test_text_that_is_not_toml_is_refused_with_line_and_column(
    written: Written, text: str, line: int, column: int, what: str
) -> None:
    path = written(text)
    found = problem(path)
    assert found.place == Place(str(path), line, column)
    assert what in found.what


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "vestibule.toml"
    path.write_bytes(b'[server]\nname = "M\xfcnchen"\n')
    assert problem(path).place == Place(str(path), 2)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    found = problem(tmp_path / "missing.toml")
    assert found.place == Place(str(tmp_path / "missing.toml"))
    assert "No such file" in found.what


@pytest.mark.requirement(52)
def test_a_file_that_everybody_may_change_is_refused(written: Written) -> None:
    path = written("")
    path.chmod(0o646)
    assert problem(path).remedy == f"Run: chmod o-w {path}"


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(written: Written) -> None:
    path = written("[log]\nlevel = 3\nzzz = 1\n[radius]\nlisten = []\n[demmo]\n")
    found = problems(path, {"VESTIBULE_HTTP_LISTEN": "x", "VESTIBULE_ZZZZ": "1"})
    assert [(str(one.place), one.key) for one in found] == [
        (f"{path}:2", "log.level"),
        (f"{path}:3", "log.zzz"),
        (f"{path}:5", "radius.listen"),
        (f"{path}:6", "demmo"),
        ("VESTIBULE_HTTP_LISTEN", "http.listen"),
        ("VESTIBULE_ZZZZ", ""),
    ]


def test_the_text_of_the_error_names_place_key_fault_and_remedy(written: Written) -> None:
    path = written("[radius]\nduplicate_secs = 3\n")
    with pytest.raises(ConfigurationWrong) as caught:
        load(path, {})
    assert str(caught.value) == (
        "The configuration is wrong in 1 place.\n\n"
        f"{path}:2: radius.duplicate_secs\n"
        "  The section [radius] has no such key.\n"
        "  Did you mean duplicate_seconds?"
    )


@pytest.mark.parametrize("key", KEYS)
def test_an_error_never_repeats_the_text_of_a_value(written: Written, key: str) -> None:
    path = written(f'{key} = "{MARKER} \\u0007"\n')
    with pytest.raises(ConfigurationWrong) as caught:
        load(path, {})
    assert MARKER not in str(caught.value)
    assert MARKER not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_demonstration_listens_on_loopback_only(written: Written) -> None:
    path = written("[demo]\nenabled = true\n")
    found = problem(path)
    assert (found.place, found.key) == (Place(str(path), 2), "radius.listen")
    environment = {"VESTIBULE_RADIUS_LISTEN": "127.0.0.1:0,[::1]:0"}
    assert load(path, environment).demo.enabled
    environment = {"VESTIBULE_RADIUS_LISTEN": "127.0.0.1:0,192.0.2.1:0"}
    assert problem(path, environment).place == Place("VESTIBULE_RADIUS_LISTEN")


def test_neighbouring_ports_are_free_without_accounting(written: Written) -> None:
    path = written("[radius]\nlisten = ['127.0.0.1:65534', '127.0.0.1:65535']\naccounting = false\n")
    assert len(load(path, {}).radius.listen) == 2


@pytest.mark.requirement(52)
@pytest.mark.parametrize(
    "key", ["{0}/master.key", "{0}/deeper/master.key", "{0}/../{0.name}/master.key", "{0.parent}/link/k"]
)
def test_a_key_in_the_data_directory_is_refused_however_it_is_named(key: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (tmp_path / "link").symlink_to(data)
    with pytest.raises(ConfigurationWrong) as wrong:
        load(None, {"VESTIBULE_DATA_DIRECTORY": str(data), "VESTIBULE_KEY_FILE": key.format(data)})
    (found,) = wrong.value.problems
    assert (found.key, found.place) == ("key.file", Place("VESTIBULE_KEY_FILE"))
    beside = {"VESTIBULE_DATA_DIRECTORY": str(data), "VESTIBULE_KEY_FILE": f"{data}.key"}
    assert load(None, beside).key.file.parent == tmp_path


def test_a_listener_prints_as_it_is_written() -> None:
    assert str(Listener("192.0.2.1", 1812)) == "192.0.2.1:1812"
    assert str(Listener("::1", 0)) == "[::1]:0"


def test_the_chosen_file_counts_before_the_variable_and_the_usual_place(tmp_path: Path) -> None:
    environment = {"VESTIBULE_CONFIG": "/srv/mfa.toml"}
    assert locate(tmp_path, environment) == tmp_path
    assert locate(None, environment) == Path("/srv/mfa.toml")
    usual = tmp_path / "vestibule.toml"
    assert locate(None, {}, usual) is None
    usual.touch()
    assert locate(None, {}, usual) == usual


def test_a_usual_file_that_cannot_be_reached_is_not_passed_over(tmp_path: Path) -> None:
    usual = tmp_path / "vestibule.toml"
    usual.symlink_to(usual)
    assert locate(None, {}, usual) == usual
    assert "cannot be read" in problem(usual).what


def test_explain_lists_every_key_with_its_default() -> None:
    rows = {row.key: row for row in explain(None)}
    assert set(rows) == set(KEYS)
    assert {row.source for row in rows.values()} == {"default"}
    assert rows["radius.listen"].value == '["0.0.0.0:1812"]'
    assert rows["server.address"].value == "not set"
    assert rows["database.url"].environment == "VESTIBULE_DATABASE_URL"


def test_explain_tells_where_each_value_comes_from(written: Written, tmp_path: Path) -> None:
    path = written("[radius]\nduplicate_seconds = 45\naccounting = false\n")
    level = tmp_path / "level"
    level.write_text("error\n")
    environment = {"VESTIBULE_RADIUS_ACCOUNTING": "true", "VESTIBULE_LOG_LEVEL_FILE": str(level)}
    rows = {row.key: row for row in explain(load(path, environment))}
    told = {name: (row.value, row.source) for name, row in rows.items() if row.source != "default"}
    assert told == {
        "radius.duplicate_seconds": ("45", f"{path}:2"),
        "radius.accounting": ("true", "VESTIBULE_RADIUS_ACCOUNTING"),
        "log.level": ('"error"', f"VESTIBULE_LOG_LEVEL_FILE ({level})"),
    }
    assert rows["http.listen"].value == '"127.0.0.1:9464"'


def test_explain_hides_a_value_that_may_hold_a_password(written: Written) -> None:
    path = written(f'[database]\nurl = "sqlite:////srv/{MARKER}.db"\n')
    assert MARKER not in str(explain(load(path, {})))


def test_each_section_and_key_has_help_and_a_type() -> None:
    assert all(key.help.endswith(".") and key.type and key.example for key in KEYS.values())


def test_each_example_is_accepted(written: Written) -> None:
    for key in KEYS.values():
        if key.example != "not set":
            load(written(f"{key.name} = {key.example}\n"), {})
            load(None, {key.environment: key.example_text})


def test_the_model_alone_completes_what_is_left_out() -> None:
    assert Configuration.model_validate({}) == load(None, {})
