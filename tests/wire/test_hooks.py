"""Signatures of requests to us: those of vendors' own libraries are believed, whatever differs is not."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from vestibule.core.delivery import Forged
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.hooks import signed, twilio
from vestibule.wire.hooks.freshness import demand_fresh
from vestibule.wire.hooks.marked import marked_send, marked_url

TOKEN = Secret(b"12345")
KEY = Secret(b"a secret of both sides")
NOW = 1_795_212_000.0
VECTORS = [(name, lines) for name, lines in blocks("twilio_signatures.txt")]


@pytest.mark.parametrize(("name", "lines"), VECTORS, ids=[name for name, _ in VECTORS])
def test_a_signature_is_that_of_the_vendors_library(name: str, lines: list[tuple[str, str]]) -> None:
    said = dict(lines)
    fields = [tuple(value.partition("=")[::2]) for word, value in lines if word == "field"]
    assert twilio.signature(TOKEN, said["url"], fields).decode() == said["signature"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("signed_for", "called", "believed"),
    [
        ("https://a.example/x", "https://a.example:443/x", True),
        ("https://a.example:443/x", "https://a.example/x", True),
        ("https://a.example/x", "https://a.example:8443/x", True),
        ("https://a.example/x", "https://b.example/x", False),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x?a=1", "https://a.example/x?a=2", False),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x", True),
    ],
)
def test_the_url_counts_with_and_without_its_port(signed_for: str, called: str, *, believed: bool) -> None:
    headers = {"x-twilio-signature": twilio.signature(TOKEN, signed_for, [("a", "b")]).decode()}
    if believed:
        twilio.demand_signed(TOKEN, called, headers, b"a=b")
    else:
        with pytest.raises(Forged):
            twilio.demand_signed(TOKEN, called, headers, b"a=b")


def test_a_body_that_is_no_form_is_signed_by_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"https://a.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"x-twilio-signature": twilio.signature(TOKEN, url, []).decode()}
    twilio.demand_signed(TOKEN, url, headers, body)
    with pytest.raises(Forged):
        twilio.demand_signed(TOKEN, url, headers, body + b" ")


@pytest.mark.parametrize("body", [b"\xff", b"&".join([b"a=b"] * 300), b"a=%FF"])
def test_a_broken_form_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        twilio.demand_signed(TOKEN, "https://a.example/x", {"x-twilio-signature": ""}, body)


@given(st.binary(max_size=100), st.text(max_size=60), st.text(max_size=40))
def test_no_signature_of_chance_is_believed(body: bytes, signature: str, time: str) -> None:
    headers = {"x-twilio-signature": signature, signed.TIMESTAMP: time, signed.SIGNATURE: signature}
    with pytest.raises((Forged, Malformed)):
        twilio.demand_signed(TOKEN, "https://a.example/x", headers, body)
    with pytest.raises(Forged):
        signed.demand_signed(KEY, headers, body, NOW)


def test_our_signature_is_what_its_page_says() -> None:
    headers = dict(signed.signature_headers(KEY, b'{"id":"1"}', NOW + 0.9))
    right = hmac.new(b"a secret of both sides", b'1795212000.{"id":"1"}', "sha256").hexdigest()
    assert headers == {"vestibule-timestamp": "1795212000", "vestibule-signature": f"v1={right}"}
    signed.demand_signed(KEY, headers, b'{"id":"1"}', NOW)


@pytest.mark.parametrize("change", ["body", "time", "secret", "version", "nothing signed"])
def test_nothing_of_a_signed_request_can_be_changed(change: str) -> None:
    headers = dict(signed.signature_headers(KEY, b"body", NOW))
    body = b"Body" if change == "body" else b"body"
    secret = Secret(b"another") if change == "secret" else KEY
    match change:
        case "time":
            headers[signed.TIMESTAMP] = str(int(NOW) + 1)
        case "version":
            headers[signed.SIGNATURE] = headers[signed.SIGNATURE].replace("v1", "v2")
        case "nothing signed":
            headers[signed.SIGNATURE] = "v1="
        case _:
            pass
    with pytest.raises(Forged):
        signed.demand_signed(secret, headers, body, NOW)


@pytest.mark.parametrize(("after", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_request_is_good_for_five_minutes(after: float, *, fresh: bool) -> None:
    if fresh:
        demand_fresh(str(int(NOW)), NOW + after)
    else:
        with pytest.raises(Forged):
            demand_fresh(str(int(NOW)), NOW + after)


@given(st.text(max_size=60))
def test_a_marked_url_names_its_send_and_no_other(send_id: str) -> None:
    url = marked_url("https://mfa.example.org/hooks/k/0123", KEY, send_id)
    mark = url.rpartition("=")[2]
    assert marked_send(KEY, [("send", send_id), ("mark", mark)]) == send_id
    with pytest.raises(Forged):
        marked_send(KEY, [("send", send_id + "1"), ("mark", mark)])
    with pytest.raises(Forged):
        marked_send(Secret(b"another"), [("send", send_id), ("mark", mark)])


def test_a_url_that_names_no_send_is_none_of_these() -> None:
    assert marked_send(KEY, [("id", "1")]) == ""
