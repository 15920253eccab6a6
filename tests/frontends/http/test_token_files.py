"""Token files over the API: any form as the body, an encrypted one in JSON with what opens it."""

import base64
import secrets
from typing import Any

import pytest

from tests.frontends.http.door import Door
from vestibule.core.api_keys import Right
from vestibule.core.credentials import Credential
from vestibule.core.secret import Secret
from vestibule.frontends.http.application import routes
from vestibule.frontends.http.description import operations
from vestibule.wire.pskc.writer import Passphrase, SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow

PLAIN = b"12345678901234567890"
KEY = bytes(range(16))
IMPORT = "/tokens/import"


def pskc(closing: SharedKey | Passphrase | None = None) -> bytes:
    rows = [TokenRow(0, None, "T1", Secret(PLAIN), 30)]
    return "".join(write_pskc(rows, closing, secrets.token_bytes)).encode()


def in_json(content: bytes, **opening: str) -> dict[str, str]:
    return {"content": base64.b64encode(content).decode(), **opening}


async def count(door: Door) -> int:
    return await door.office.store.read(lambda reading: reading.count(Credential))


async def test_a_file_of_octets_is_the_body_whatever_its_type(any_door: Door) -> None:
    admin = await any_door.asker(rights=[Right.TOKENS_WRITE])
    for media in ("application/octet-stream", "application/xml", "text/csv"):
        report = (await admin.post(IMPORT, content=pskc(), headers={"Content-Type": media})).json()
        assert (report["format"], report["created"] + report["unchanged"]) == ("pskc", 1)
        assert "failures" not in report


@pytest.mark.parametrize(
    ("closing", "opening"),
    [
        (SharedKey(Secret(KEY)), {"key": KEY.hex()}),
        (SharedKey(Secret(KEY)), {"key": base64.b64encode(KEY).decode()}),
        (Passphrase(Secret.of("open sesame"), 10), {"passphrase": "open sesame"}),
        (None, {}),
    ],
    ids=["hexadecimal", "Base64", "passphrase", "open"],
)
async def test_what_opens_a_file_stands_beside_it_in_the_body(
    any_door: Door, closing: SharedKey | Passphrase | None, opening: dict[str, str]
) -> None:
    admin = await any_door.asker(rights=[Right.TOKENS_WRITE])
    answered = await admin.post(IMPORT, json=in_json(pskc(closing), **opening))
    assert (answered.status_code, answered.json()["created"]) == (200, 1)


async def test_what_is_missing_or_wrong_is_named_and_nothing_goes_in(door: Door) -> None:
    admin = await door.asker(rights=[Right.TOKENS_WRITE])
    closed = pskc(SharedKey(Secret(KEY)))
    bodies: dict[str, Any] = {
        "key": in_json(closed),
        "content": in_json(closed, key=KEY[::-1].hex()),
        "body.content": {"content": "no Base64!"},
        "body": in_json(closed, secret="canary"),
        "body.key": {**in_json(closed), "key": 7},
    }
    for field, body in bodies.items():
        answered = await admin.post(IMPORT, json=body)
        assert answered.status_code == 422
        assert [one["field"] for one in answered.json()["errors"]] == [field]
        assert "canary" not in answered.text
        assert KEY[::-1].hex() not in answered.text
    assert (await admin.post(IMPORT, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
    assert await count(door) == 0


async def test_the_same_request_is_answered_once_and_another_key_is_another_request(door: Door) -> None:
    admin = await door.asker(rights=[Right.TOKENS_WRITE])
    body, once = in_json(pskc(SharedKey(Secret(KEY))), key=KEY.hex()), {"Idempotency-Key": "once"}
    first = await admin.post(IMPORT, json=body, headers=once)
    again = await admin.post(IMPORT, json=body, headers=once)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    other = await admin.post(IMPORT, json={**body, "key": KEY[::-1].hex()}, headers=once)
    assert other.json()["type"].endswith("other-request")


@pytest.mark.requirement(47)
async def test_no_operation_takes_a_key_in_its_address_or_gives_keys_out(door: Door) -> None:
    description = routes(door.behind).openapi()
    for _, path, operation in operations(description):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert not names & {"key", "passphrase", "password", "secret"}, path
        assert "export" not in path
    admin = await door.asker(rights=list(Right))
    for path in ("/tokens/keys", "/tokens/export", "/tokens/export_keys"):
        assert (await admin.get(path)).status_code == 404
