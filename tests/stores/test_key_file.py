"""The master key file: made once and closed, read only when it is kept well, and every refusal says the cure."""

import os
import resource
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.secret import Secret
from vestibule.stores.key_file import badly_kept, create_key_file, next_of, put_in_force, read_key_file
from vestibule.stores.vault import KeyWrong

MARKER = b"canary-in-the-key-file-32-octets"

pytestmark = [pytest.mark.requirement(45), pytest.mark.requirement(52)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "vestibule" / "master.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def status(kind: int, owner: int) -> os.stat_result:
    return os.stat_result((kind, 0, 0, 1, owner, 0, 0, 0, 0, 0))


def test_a_new_key_is_32_octets_from_chance_and_reads_back(path: Path) -> None:
    key = create_key_file(path, lambda octets: MARKER[:octets])
    assert (key, len(key)) == (Secret(MARKER), 32)
    assert read_key_file(path) == key


def test_the_file_and_the_directories_made_for_it_are_closed_to_others(path: Path) -> None:
    create_key_file(path, os.urandom)
    assert [mode(path), mode(path.parent), mode(path.parent.parent)] == [0o600, 0o700, 0o700]


def test_a_directory_that_is_there_keeps_its_mode(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o750)
    create_key_file(path, os.urandom)
    assert mode(path.parent) == 0o750


def test_the_file_is_one_line_that_says_what_it_is(path: Path) -> None:
    create_key_file(path, bytes)
    assert path.read_text() == f"vestibule-master-key-1:{'A' * 43}=:27ea8cac\n"


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    key = create_key_file(path, os.urandom)
    with pytest.raises(KeyWrong, match="never overwritten"):
        create_key_file(path, os.urandom)
    assert read_key_file(path) == key


def test_a_link_that_leads_nowhere_is_not_written_through(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyWrong, match="exists already"):
        create_key_file(path, os.urandom)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_no_half_key_behind(path: Path) -> None:
    path.parent.mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            create_key_file(path, os.urandom)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.exists()


def test_a_missing_file_is_told_with_what_to_do(path: Path) -> None:
    with pytest.raises(KeyWrong, match=r"There is no master key at .*Put the key file of this database there"):
        read_key_file(path)


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyWrong, match="is not a file"):
        read_key_file(tmp_path)


def test_a_pipe_in_its_place_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyWrong, match="is not a file"):
        read_key_file(tmp_path / "pipe")


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    with pytest.raises(KeyWrong, match="cannot be opened: Too many levels"):
        read_key_file(tmp_path / "one")


def test_a_link_to_a_well_kept_file_is_followed(path: Path, tmp_path: Path) -> None:
    key = create_key_file(path, os.urandom)
    (tmp_path / "link").symlink_to(path)
    assert read_key_file(tmp_path / "link") == key


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o610, 0o620, 0o601, 0o644, 0o440, 0o666, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command_that_closes_it(path: Path, loose: int) -> None:
    create_key_file(path, os.urandom)
    path.chmod(loose)
    with pytest.raises(KeyWrong, match=f"mode {loose:04o}.*chmod 600"):
        read_key_file(path)


@pytest.mark.parametrize("closed", [0o600, 0o400])
def test_a_file_for_its_owner_alone_is_read(path: Path, closed: int) -> None:
    key = create_key_file(path, os.urandom)
    path.chmod(closed)
    assert read_key_file(path) == key


def test_a_file_of_somebody_else_is_refused() -> None:
    complaint = badly_kept(status(stat.S_IFREG | 0o600, 1001), 1000, credential=False)
    assert complaint == "belongs to user id 1001, and the program runs as 1000. Give it away with: chown 1000"


@pytest.mark.parametrize(
    ("owner", "permissions", "credential", "well"),
    [
        (0, 0o400, True, True),
        (0, 0o440, True, True),
        (0, 0o444, True, False),
        (0, 0o460, True, False),
        (0, 0o440, False, False),
        (1000, 0o400, True, True),
        (1000, 0o440, True, False),
        (1001, 0o400, True, False),
    ],
)
def test_only_systemd_may_hand_over_files_of_root(
    *, owner: int, permissions: int, credential: bool, well: bool
) -> None:
    complaint = badly_kept(status(stat.S_IFREG | permissions, owner), 1000, credential=credential)
    assert (complaint is None) is well


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of root")
def test_the_exception_for_systemd_ends_at_its_directory(path: Path, tmp_path: Path) -> None:
    key = create_key_file(path, os.urandom)
    path.chmod(0o440)
    assert read_key_file(path, credentials=path.parent) == key
    beside = tmp_path / "etc" / "vestibule-of-others"
    beside.mkdir()
    (beside / "link").symlink_to(path)
    assert read_key_file(beside / "link", credentials=path.parent) == key
    for directory in (beside, None):
        with pytest.raises(KeyWrong, match="can be read by others"):
            read_key_file(path, credentials=directory)


def test_every_cut_of_the_file_is_recognised(path: Path) -> None:
    create_key_file(path, os.urandom)
    content = path.read_bytes().rstrip()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(KeyWrong, match=r"cut short|not a master key"):
            read_key_file(path)


def test_every_single_flipped_bit_is_recognised(path: Path) -> None:
    create_key_file(path, os.urandom)
    content = path.read_bytes().rstrip()
    for position in range(len(content) * 8):
        altered = bytearray(content)
        altered[position // 8] ^= 1 << position % 8
        path.write_bytes(altered)
        with pytest.raises(KeyWrong, match=r"damaged|not a master key"):
            read_key_file(path)


def test_line_ends_of_any_editor_are_taken(path: Path) -> None:
    key = create_key_file(path, os.urandom)
    path.write_bytes(path.read_bytes().rstrip() + b"\r\n")
    assert read_key_file(path) == key


@given(content=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"vestibule-master-key-1:" + tail))
def test_any_other_content_is_refused_and_never_repeated(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.key"
    path.write_bytes(content + MARKER)
    path.chmod(0o600)
    with pytest.raises(KeyWrong) as refused:
        read_key_file(path)
    assert MARKER.decode() not in str(refused.value)


@pytest.mark.requirement(46)
def test_a_new_key_takes_the_place_of_the_old_one_which_keeps_another_name(tmp_path: Path) -> None:
    place, aside = tmp_path / "master.key", tmp_path / "master.key.before"
    old, new = create_key_file(place, os.urandom), create_key_file(next_of(place), os.urandom)
    aside.hardlink_to(place)  # what a run that was cut off has done already
    put_in_force(next_of(place), place, aside)
    assert (read_key_file(place), read_key_file(aside)) == (new, old)
    assert not next_of(place).exists()


def test_another_key_that_was_put_aside_is_never_overwritten(tmp_path: Path) -> None:
    place, aside = tmp_path / "master.key", tmp_path / "master.key.before"
    keys = [create_key_file(path, os.urandom) for path in (place, next_of(place), aside)]
    with pytest.raises(KeyWrong, match="never overwritten"):
        put_in_force(next_of(place), place, aside)
    assert [read_key_file(path) for path in (place, next_of(place), aside)] == keys
