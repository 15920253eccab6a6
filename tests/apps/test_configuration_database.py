"""The database: an SQLite file or a PostgreSQL over a protected way, with a password that nobody else reads."""

from pathlib import Path

import pytest

from vestibule.apps.configuration import ConfigurationWrong, Problem, current_url, explain, load
from vestibule.apps.configuration.problems import Place

VARIABLE = "VESTIBULE_DATABASE_URL"
MARKER = "kJ7marker9Qz4"


def problem(path: Path | None, **environment: str) -> Problem:
    with pytest.raises(ConfigurationWrong) as caught:
        load(path, environment)
    (only,) = caught.value.problems
    return only


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///vestibule",
        "postgresql:///vestibule?host=/run/postgresql&port=5433",
        "postgresql://vestibule@localhost/vestibule",
        "postgresql://vestibule:pass%2Fword@127.0.0.1:5433/vestibule",
        "postgresql://vestibule@[::1]:5432/vestibule",
        "postgresql://vestibule@db.example.org/vestibule?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem",
        "postgresql://vestibule@db1:5432,db2:5432/vestibule?sslmode=disable&target_session_attrs=read-write",
        "postgresql://vestibule@localhost/vestibule?passfile=/etc/vestibule/pgpass",
    ],
)
def test_a_postgresql_is_named_by_its_url(url: str) -> None:
    database = load(None, {VARIABLE: url}).database
    assert (database.url, database.postgresql) == (url, True)
    with pytest.raises(ValueError, match="no file"):
        _ = database.file


@pytest.mark.requirement(52)
@pytest.mark.parametrize(
    ("url", "files"),
    [
        ("sqlite:////srv/v.db", ("/srv/v.db", "/srv/v.db-wal")),
        ("postgresql:///v?host=/run/postgresql", ()),
        ("postgresql://u@localhost/v?passfile=/etc/vestibule/pg%20pass", ("/etc/vestibule/pg pass",)),
    ],
)
def test_the_files_that_nobody_else_may_read_are_known(url: str, files: tuple[str, ...]) -> None:
    assert tuple(map(str, load(None, {VARIABLE: url}).database.files)) == files


@pytest.mark.requirement(53)
@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgres://u@localhost/v", "not of the form"),
        ("postgresql+psycopg://u@localhost/v", "no driver"),
        ("postgresql+asyncpg://u@localhost/v", "no driver"),
        ("postgresql://u@localhost", "not of the form"),
        ("postgresql://u@localhost/", "not of the form"),
        ("postgresql://localhost/a/b", "not of the form"),
        ("postgresql://u@localhost/v?ssl_mode=require", "not known"),
        ("postgresql://u@localhost/v?options=-cfsync=off", "not known"),
        ("postgresql://u@localhost/v?sslmode", "name=value"),
        ("postgresql://u@db/v", "how the way to it is protected"),
        ("postgresql://u@localhost,db/v", "how the way to it is protected"),
        ("postgresql:///v?host=db", "how the way to it is protected"),
        ("postgresql://u@[2001:db8::1]:5432/v", "how the way to it is protected"),
        ("mysql://u@localhost/v", "neither sqlite"),
    ],
)
def test_another_url_is_refused(url: str, what: str) -> None:
    assert what in problem(None, **{VARIABLE: url}).what


@pytest.mark.requirement(52)
@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_others_read_holds_no_password(tmp_path: Path, mode: int, *, refused: bool) -> None:
    path = tmp_path / "vestibule.toml"
    path.write_text(f'# first\n[database]\nurl = "postgresql://u:{MARKER}@localhost/v"\n')
    path.chmod(mode)
    if refused:
        found = problem(path)
        assert (found.place, found.key) == (Place(str(path), 3), "database.url")
        assert f"chmod o-r {path}" in found.remedy
        assert MARKER not in str(found)
    else:
        assert load(path, {}).database.postgresql


def test_a_file_that_others_read_may_name_a_database_without_a_password(tmp_path: Path) -> None:
    path = tmp_path / "vestibule.toml"
    path.write_text('[database]\nurl = "postgresql://u@localhost/v"\n')
    path.chmod(0o644)
    assert load(path, {}).database.postgresql


@pytest.mark.requirement(47)
def test_an_explanation_hides_the_url() -> None:
    rows = explain(load(None, {VARIABLE: f"postgresql://u:{MARKER}@localhost/v"}))
    assert MARKER not in str(rows)


def test_a_changed_password_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.touch(mode=0o600)
    environment = {f"{VARIABLE}_FILE": str(path)}
    path.write_text("postgresql://u:first@localhost/v")
    now = current_url(load(None, environment), None, environment)
    assert now() == "postgresql://u:first@localhost/v"
    path.write_text("postgresql://u:second@localhost/v\n")
    assert now() == "postgresql://u:second@localhost/v"


@pytest.mark.parametrize("text", ["", "postgresql://", "sqlite:////srv/other.db"])
def test_a_url_that_has_become_wrong_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "url"
    path.touch(mode=0o600)
    environment = {f"{VARIABLE}_FILE": str(path)}
    path.write_text("postgresql://u@localhost/v")
    now = current_url(load(None, environment), None, environment)
    path.write_text(text)
    assert now() == "postgresql://u@localhost/v"
    path.unlink()
    assert now() == "postgresql://u@localhost/v"
