"""Token files of every form through the command line, beside a server and without one, in and out again."""

import base64
import csv
import os
import pty
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from pskc import PSKC

from tests.apps.cli.terminal import VESTIBULE, Server, Terminal
from tests.apps.installation import Installation
from vestibule.flows.token_import import TOKENS_AT_ONCE

PLAIN = b"12345678901234567890"
HEX, BASE32 = PLAIN.hex(), base64.b32encode(PLAIN).decode()
OTHER = base64.b32encode(bytes(range(20))).decode()
KEY = bytes(range(16))
URN = "urn:ietf:params:xml:ns:keyprov:pskc:totp"


def container() -> PSKC:
    file = PSKC()
    file.add_key(serial="P1", manufacturer="Acme", algorithm=URN, secret=PLAIN, time_interval=30, response_length=6)
    return file


def written(file: PSKC, path: Path) -> Path:
    file.write(str(path))
    return path


def payload() -> str:
    """What Google Authenticator shows for one TOTP account."""
    account = b"\x0a\x14" + PLAIN[::-1] + b"\x12\x05helga" + b"\x20\x01\x28\x01\x30\x02"
    octets = b"\x0a" + bytes([len(account)]) + account + b"\x10\x01\x18\x01\x20\x00\x28\x07"
    return f"otpauth-migration://offline?data={quote(base64.b64encode(octets).decode())}\n"


FORMS = {
    "entra-csv": f"upn,serial number,secret key,time interval,manufacturer,model\n,C6,{BASE32},30,Acme,X\n",
    "mfa-server-csv": f"C3;{BASE32};60\n",
    "oath-csv": f"# from elsewhere\nO1,{HEX},hotp,8,77,sha1\n",
    "named-csv": f"serial,type,secret (hex),digits\nN1,totp,{HEX},8\n",
    "yubico-csv": f"508327,,0,{HEX},,2013-12-12T08:41:07,\n",
    "yubico-log": f"OATH-HOTP,11.12.13 18:55,1,cccccccccccd,,{HEX},,,0,0,0,6,0,0,0,0,0,0\n",
    "safenet": f'<Tokens><Token serial="00040008CFA5"><Applications><Application><Seed>{HEX}</Seed>'
    "<MovingFactor>1</MovingFactor></Application></Applications></Token></Tokens>",
    "otpauth": f"otpauth://totp/ACME:helga?secret={OTHER}&issuer=ACME&algorithm=SHA256&digits=8&period=60\n",
    "otpauth-migration": payload(),
    "pskc-draft": '<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:container:1.0"><KeyPackage>'
    "<DeviceInfo><SerialNo>D1</SerialNo></DeviceInfo>"
    '<Key Id="D1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc#totp"><AlgorithmParameters><ResponseFormat '
    f'Length="6" Encoding="DECIMAL"/></AlgorithmParameters><Data><Secret><PlainValue>{base64.b64encode(PLAIN).decode()}'
    "</PlainValue></Secret></Data></Key></KeyPackage></KeyContainer>",
}


@pytest.fixture(scope="module")
def place(new_installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    folder = tmp_path_factory.mktemp("shared") / "server"
    return Terminal(Installation.copied(new_installation, folder).environment())


@pytest.fixture(scope="module")
def served(place: Terminal) -> Iterator[Server]:
    with place.serving() as server:
        yield server


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_this_form_comes_in_whatever_its_name(
    place: Terminal, served: Server, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "tokens"
    file.write_text(FORMS[form])
    report = place.json("token", "import", str(file), "--dry-run", "--json")
    assert (report["format"], report["created"], report["problems"]) == (form, 1, [])
    done = place.run("token", "import", str(file))
    assert (done.returncode, "1 new" in done.stdout) == (0, True), done.stdout
    assert f"Read as {report['title']}.".split()[:3] == done.stdout.splitlines()[1].split()[:3]
    assert place.json("token", "import", str(file), "--json")["unchanged"] == 1


@pytest.mark.parametrize("way", ["hexadecimal", "Base64", "octets"])
def test_a_pre_shared_key_is_read_from_a_file(terminal: Terminal, tmp_path: Path, way: str) -> None:
    protected = container()
    protected.encryption.setup_preshared_key(algorithm="aes128-cbc", key=KEY)
    protected.mac.setup(algorithm="hmac-sha256", key=bytes(20))
    file, key = written(protected, tmp_path / "tokens.xml"), tmp_path / "key"
    key.write_bytes({"hexadecimal": KEY.hex().encode(), "Base64": base64.b64encode(KEY), "octets": KEY}[way])
    done = terminal.run("token", "import", str(file), "--key-file", str(key))
    assert (done.returncode, "1 new" in done.stdout) == (0, True), done.stdout + done.stderr
    assert [one["manufacturer"] for one in terminal.json("token", "list", "--json")] == ["Acme"]


def encrypted(path: Path, passphrase: str) -> Path:
    protected = container()
    protected.encryption.setup_pbkdf2(passphrase, iterations=1000, algorithm="aes128-cbc", key_length=16)
    protected.mac.setup(algorithm="hmac-sha1", key=bytes(20))
    return written(protected, path)


def test_a_passphrase_is_read_from_a_file_or_a_pipe_and_asked_for_by_name(either: Terminal, tmp_path: Path) -> None:
    file, secret = encrypted(tmp_path / "tokens.xml", "open sesame"), tmp_path / "passphrase"
    missing = either.run("token", "import", str(file))
    assert missing.returncode == 1
    assert "--passphrase-file FILE" in " ".join(missing.stderr.split())
    secret.write_text("open please\n")
    wrong = either.run("token", "import", str(file), "--passphrase-file", str(secret))
    assert (wrong.returncode, "Nothing was taken from it" in " ".join(wrong.stderr.split())) == (1, True)
    assert either.json("token", "list", "--json") == []
    done = either.run("token", "import", str(file), "--passphrase-file", "-", given="open sesame\n")
    assert (done.returncode, "1 new" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.fixture(params=["server", "alone"])
def either(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Terminal]:
    """A terminal, once beside a running server and once without one."""
    terminal = Terminal(installation.environment())
    if request.param == "alone":
        yield terminal
        return
    with terminal.serving():
        yield terminal


def test_at_a_terminal_the_passphrase_is_asked_for_and_not_shown(terminal: Terminal, tmp_path: Path) -> None:
    file = encrypted(tmp_path / "tokens.xml", "open sesame")
    process, screen = pty.fork()
    if not process:  # the child, on a terminal of its own
        os.execve(VESTIBULE, ["vestibule", "token", "import", str(file)], terminal.whole())
    shown = b""
    while b"Passphrase of the file:" not in shown:
        shown += os.read(screen, 4096)
    os.write(screen, b"open sesame\n")
    while b"1 new" not in shown:
        shown += os.read(screen, 4096)
    os.waitpid(process, 0)
    os.close(screen)
    assert b"sesame" not in shown


def test_a_problem_of_xml_is_mended_in_the_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "tokens.xml"
    file.write_text(FORMS["safenet"].replace(HEX, "xyz"))
    done = terminal.run("token", "import", str(file))
    assert (done.returncode, "Mend the file itself" in done.stdout) == (1, True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["tokens.xml"]


# ------------------------------------------------------------------------------------------------------ failures files

BAD = f"A1,{BASE32},7\nA2,{BASE32[:-1]}A,7\n"


def test_what_fails_of_a_failures_file_counts_on_and_covers_nothing(
    place: Terminal, served: Server, tmp_path: Path
) -> None:
    (tmp_path / "tokens.csv").write_text(BAD)
    for name in ("tokens", "Failures_tokens", "Failures_tokens-2", "Failures_tokens", "tokens"):
        assert place.run("token", "import", str(tmp_path / f"{name}.csv")).returncode == 1
    names = {"Failures_tokens.csv", *(f"Failures_tokens-{number}.csv" for number in range(2, 6))}
    assert {path.name for path in tmp_path.iterdir()} == {"tokens.csv", *names}
    rows = csv.DictReader((tmp_path / "Failures_tokens-5.csv").read_text().splitlines())
    assert [row["serial number"] for row in rows] == ["A1", "A2"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("Failures_*")} == {0o600}


def test_failures_of_users_hold_no_keys_and_say_so(place: Terminal, served: Server, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text('name,email\nzoe,nowhere\n"max"x,max@example.org\n')
    done = place.run("user", "import", str(file))
    assert (done.returncode, "key" in done.stdout) == (1, False)
    assert "what the file says of people" in " ".join(done.stdout.split())
    failures = tmp_path / "Failures_users.csv"
    failures.write_text(failures.read_text().replace("nowhere", "zoe@example.org").replace('""max""x', "max"))
    done = place.run("user", "import", str(failures))
    assert (done.returncode, "2 new" in done.stdout) == (0, True), done.stdout


# --------------------------------------------------------------------------------------------------------------- export


@pytest.fixture
def stocked(either: Terminal, tmp_path: Path) -> Terminal:
    file = tmp_path / "oath.csv"
    file.write_text(
        f"O1,{HEX},hotp,8,77,sha1\nO2,{bytes(20).hex()},totp,6,60,sha256\nO3,{bytes(range(20)).hex()},totp\n"
    )
    assert either.run("token", "import", str(file)).returncode == 0
    either.run("token", "disable", "O3")
    return either


@pytest.mark.requirement(47)
def test_tokens_go_out_closed_and_come_back_unchanged(stocked: Terminal, tmp_path: Path) -> None:
    file, key = tmp_path / "tokens.xml", tmp_path / "tokens.xml.key"
    done = stocked.run("token", "export", "--pskc", str(file))
    assert done.returncode == 0, done.stderr
    assert "left out, for they are pending or disabled: 1" in done.stdout
    assert {path.stat().st_mode & 0o777 for path in (file, key)} == {0o600}
    assert bytes.fromhex(key.read_text()).hex() not in done.stdout
    checked = subprocess.run(
        ["pskctool", "--validate", str(file)], capture_output=True, text=True, timeout=20, check=True
    )
    assert checked.stdout.strip() == "OK"
    oracle = PSKC(str(file))
    oracle.encryption.key = bytes.fromhex(key.read_text())
    read = {one.serial: (one.secret, one.algorithm_suite, one.response_length) for one in oracle.keys}
    assert read == {"O1": (PLAIN, None, 8), "O2": (bytes(20), "HMAC-SHA256", 6)}
    for path in (file, key):
        assert base64.b64encode(PLAIN).decode() not in path.read_text()
    report = stocked.json("token", "import", str(file), "--key-file", str(key), "--json")
    assert (report["created"], report["changed"], report["unchanged"]) == (0, 0, 2)
    actions = [line["action"] for line in stocked.json("journal", "list", "--json")]
    assert actions[-1] == "token.keys"
    again = stocked.run("token", "export", "--pskc", str(file))
    assert (again.returncode, "nothing is written over it" in " ".join(again.stderr.split())) == (2, True)


def test_tokens_go_out_under_a_passphrase(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "oath.csv").write_text(f"O1,{HEX},hotp,8,77,sha1\n")
    terminal.run("token", "import", str(tmp_path / "oath.csv"))
    file = tmp_path / "tokens.xml"
    done = terminal.run("token", "export", "--pskc", str(file), "--passphrase-file", "-", given="open sesame\n")
    assert done.returncode == 0, done.stderr
    oracle = PSKC(str(file))
    oracle.encryption.derive_key("open sesame")
    assert [(one.serial, one.secret, one.counter) for one in oracle.keys] == [("O1", PLAIN, 77)]


def test_without_tokens_no_file_is_left(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.run("token", "export", "--pskc", str(tmp_path / "tokens.xml"))
    assert (done.returncode, "no active token" in done.stderr) == (1, True)
    assert list(tmp_path.glob("tokens.xml*")) == []
    assert terminal.run("token", "export", "--key-file", str(tmp_path / "key")).returncode == 2


# ------------------------------------------------------------------------------------------------------------ a kill

MANY = 20_000


def test_a_kill_in_the_middle_of_an_import_leaves_whole_slices(installation: Installation, tmp_path: Path) -> None:
    terminal, file = Terminal(installation.environment()), tmp_path / "many.csv"
    file.write_text("".join(f"K{number},{number + 1:040x},totp\n" for number in range(MANY)))
    process = subprocess.Popen([VESTIBULE, "token", "import", str(file)], env=terminal.whole())
    with closing(sqlite3.connect(f"file:{installation.database}?mode=ro", uri=True)) as database:
        while not database.execute("SELECT count(*) FROM credentials").fetchone()[0]:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        (left,) = database.execute("SELECT count(*) FROM credentials").fetchone()
        (lines,) = database.execute("SELECT count(*) FROM journal WHERE action = 'token.import'").fetchone()
        (whole,) = database.execute("SELECT count(*) FROM credentials JOIN seeds ON seeds.id = seed_id").fetchone()
    assert 0 < left < MANY
    assert (left, whole) == (lines * TOKENS_AT_ONCE, left)
    report = terminal.json("token", "import", str(file), "--json")
    assert (report["created"], report["unchanged"]) == (MANY - left, left)
