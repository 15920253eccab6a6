"""Requests and answers as values, the same for both clients; nothing here waits or opens anything."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from vestibule.client.decisions import Accepted, Challenge, Decision, Refused, Waiting, Way
from vestibule.client.errors import Problem

PREFIX = "/api/v1"
TIMEOUT = 60.0
LONGEST_WAIT = 50.0
TRIES = 2
"""How often a request is sent when no answer comes: its Idempotency-Key makes that harmless."""

REFUSED = f"{PREFIX}/problems/sign-in-refused"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: Mapping[str, Any] | bytes | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def for_httpx(self) -> dict[str, Any]:
        """As httpx2 takes it."""
        sent: dict[str, Any] = {"params": {name: value for name, value in self.query.items() if value is not None}}
        if isinstance(self.body, bytes):
            sent["content"] = self.body
        elif self.body is not None:
            sent["json"] = dict(self.body)
        return {"method": self.method, "url": f"{PREFIX}{self.path}", "headers": dict(self.headers), **sent}


def options(url: str, key: str, certificate: str | Path | None) -> dict[str, Any]:
    """How both clients open their connections; `certificate` is a PEM file to trust instead of the system's.

    No variable of the environment sends the key another way.
    """
    verify = ssl.create_default_context(cafile=certificate) if certificate else True
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    return {"base_url": url, "headers": headers, "timeout": TIMEOUT, "verify": verify, "trust_env": False}


def begin(user: str, **said: str | None) -> Asked:
    """A new sign-in; what was not said is left out."""
    body = {"user": user, **{name: value for name, value in said.items() if value}}
    return once(Asked("POST", "/attempts", body))


def answer(challenge: Challenge, typed: str) -> Asked:
    """What was typed."""
    body = {"user": challenge.user, "nonce": challenge.nonce, "answer": typed}
    return once(Asked("POST", f"/attempts/{challenge.attempt}/answer", body))


def choose(asked: Challenge | Waiting, way: str) -> Asked:
    """Another way, or the same once more."""
    body = {"user": asked.user, "nonce": asked.nonce, "way": way}
    return once(Asked("POST", f"/attempts/{asked.attempt}/choice", body))


def wait(waiting: Waiting, seconds: float) -> Asked:
    """Is there news?"""
    return Asked("GET", f"/attempts/{waiting.attempt}", query={"seconds": max(0.0, min(seconds, LONGEST_WAIT))})


def token_file(content: bytes, file_name: str, key: str | None, passphrase: str | None, **query: object) -> Asked:
    """A token file, with what opens it beside it in the body."""
    said = {"file_name": file_name, **query}
    path, headers = "/tokens/import", {"Content-Type": "application/octet-stream"}
    if key is None and passphrase is None:
        return once(Asked("POST", path, content, said, headers))
    opening = {name: value for name, value in (("key", key), ("passphrase", passphrase)) if value is not None}
    return once(Asked("POST", path, {"content": base64.b64encode(content).decode(), **opening}, said))


def once(asked: Asked) -> Asked:
    """The same, with an Idempotency-Key of its own unless it has one."""
    headers = {"Idempotency-Key": uuid4().hex, **asked.headers}
    return Asked(asked.method, asked.path, asked.body, asked.query, headers)


def decision(user: str, response: httpx2.Response) -> Decision:
    """What the answer decides. Raises Problem."""
    told = _json(response)
    match response.status_code, told:
        case 200, {"decision": "accept", "user": str(name), "groups": list(groups)}:
            return Accepted(name, tuple(groups))
        case 202, {"decision": "challenge", "attempt": attempt, "nonce": nonce, "prompt": {"text": text}}:
            return Challenge(user, attempt, nonce, text, told.get("way", ""), _ways(told))
        case 202, {"decision": "waiting", "attempt": attempt, "nonce": nonce, "prompt": prompt, "expires_at": until}:
            number = prompt.get("number", "")
            return Waiting(user, attempt, nonce, prompt["text"], number, until, told.get("way", ""), _ways(told))
        case 403, {"type": kind, "decision": "refused"} if kind == REFUSED:
            return Refused(told.get("detail", ""))
        case _:
            raise problem(response)


def _ways(told: Mapping[str, Any]) -> tuple[Way, ...]:
    """The ways that may be chosen; a server before this client tells none."""
    return tuple(Way(one["id"], one["method"], one["label"]) for one in told.get("ways", ()))


def result(response: httpx2.Response) -> dict[str, Any]:
    """What an operation tells. Raises Problem."""
    told = _json(response)
    if response.is_success and told:
        return told
    raise problem(response)


def problem(response: httpx2.Response) -> Problem:
    """The problem document, or one made of whatever else came."""
    told = _json(response)
    after = response.headers.get("retry-after", "")
    return Problem(
        response.status_code,
        str(told.get("type", "about:blank")),
        str(told.get("title", "This is no answer of a Vestibule server")),
        str(told.get("detail", "")),
        errors=tuple((str(one.get("field")), str(one.get("reason"))) for one in told.get("errors", ())),
        retry_after=float(after) if after.isdecimal() else None,
        reference=str(told.get("reference", "")),
    )


def _json(response: httpx2.Response) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
