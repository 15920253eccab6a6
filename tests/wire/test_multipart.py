"""Forms with files: read as browsers write them, refused where they are cut off, and never anything but Malformed."""

import random

import pytest

from vestibule.core.errors import Malformed
from vestibule.wire.multipart import Part, boundary_of, read_form

BOUNDARY = b"----WebKitFormBoundaryx7"
BODY = (
    b'------WebKitFormBoundaryx7\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n0af3\r\n'
    b'------WebKitFormBoundaryx7\r\nContent-Disposition: form-data; name="file"; filename="a %22b%22 \xc3\xa9.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nupn,serial\r\n--no boundary\r\n\x00\xff\r\n"
    b"------WebKitFormBoundaryx7--\r\n"
)


def test_a_form_comes_as_its_parts_with_every_octet() -> None:
    assert read_form(BODY, BOUNDARY) == [
        Part("csrf", None, b"0af3"),
        Part("file", 'a "b" é.csv', b"upn,serial\r\n--no boundary\r\n\x00\xff"),
    ]
    assert read_form(bytearray(BODY), BOUNDARY)[0].text == "0af3"


def test_an_empty_file_is_a_file() -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--b--\r\n'
    assert read_form(body, b"b") == [Part("f", "", b"")]


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data;boundary="a b:c"', b"a b:c"),
    ],
)
def test_the_boundary_stands_in_the_type(said: str, boundary: bytes) -> None:
    assert boundary_of(said) == boundary


@pytest.mark.parametrize(
    "said", ["", "text/plain", "multipart/mixed; boundary=a", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_what_has_no_boundary_is_no_form(said: str) -> None:
    with pytest.raises(Malformed):
        boundary_of(said)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--bc\r\n',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b"--b\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--',
        b"--b\r\n" + b"x" * 3000 + b"\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 41 + b"--b--",
    ],
)
def test_what_is_broken_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_form(body, b"b")


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(Malformed):
        _ = Part("a", None, b"\xff").text


def test_changed_octets_give_parts_or_are_refused() -> None:
    chance = random.Random(7)
    for _ in range(3_000):
        body = bytearray(BODY)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(body))
            body[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        try:
            parts = read_form(body, BOUNDARY)
        except Malformed:
            continue
        assert all(isinstance(part.name, str) for part in parts)
