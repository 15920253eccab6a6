"""Throws broken answers of authenticators, and broken metadata, at their readers: `python -m tests.fuzz.passkeys`.

Whatever comes in, out comes a refusal of the kind that the port names and nothing else; and no answer that was changed
where it is signed lets in.
"""

import argparse
import base64
import json
import time
from collections import Counter
from random import Random

from tests.methods.authenticator import Authenticator
from tests.methods.fido_metadata import OTHER, YUBIKEY, Service, entry
from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.passkeys import NotMetadata, NotTaken, Wanted
from vestibule.core.ports import Asked, Failed
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.metadata import read_metadata
from vestibule.methods.passkey.registering import Registering

NOON = 1_800_000_000.0
METHOD = Passkey("mfa.test", ("https://mfa.test",))
TAKING = Registering(METHOD)
ALICE = User("a" * 32, "alice", "alice")
MOMENT = Moment(NOON, b"c" * 32)
SIGNED = ("clientDataJSON", "authenticatorData", "signature")
PIECES = (
    b"\x00",
    b"\xff",
    b"\x9f",
    b"\xbf",
    b"\x5f",
    b"\x1b" + b"\xff" * 8,
    b"\xa1" * 50,
    b"{",
    b"[" * 50,
    b'"',
    b"null",
    b"-1",
)


def changed(some: bytes, random: Random) -> bytes:
    """The octets with one thing wrong."""
    at = random.randrange(len(some) + 1)
    match random.randrange(5):
        case 0:
            return some[:at]
        case 1:
            return some[:at] + bytes([random.randrange(256)]) + some[at + 1 :]
        case 2:
            return some[:at] + random.choice(PIECES) + some[at:]
        case 3:
            return some[:at] + some[at + random.randrange(1, 40) :]
        case _:
            return some[:at] + some[:at] + some[at:]


def inner(whole: str, random: Random) -> tuple[str, Secret]:
    """An answer with one of its Base64 fields changed inside, or the whole of it."""
    told = json.loads(whole)
    name = random.choice(["", "rawId", *told["response"]])
    if not name:
        return "whole", Secret(changed(whole.encode(), random))
    held = told if name == "rawId" else told["response"]
    if not isinstance(held[name], str):
        return name, Secret.of(json.dumps({**told, "response": {**held, name: random.choice([None, 1, {}, [[]], ""])}}))
    octets = base64.urlsafe_b64decode(held[name] + "=" * (-len(held[name]) % 4))
    held[name] = base64.urlsafe_b64encode(changed(octets, random)).decode().rstrip("=")
    told["id"] = told["rawId"]
    return name, Secret.of(json.dumps(told))


def run(cases: int, seed: int) -> Counter[str]:
    """How many came out how; raises whatever should not."""
    random, counts, device = Random(seed), Counter[str](), Authenticator()
    options, memory = TAKING.options(ALICE, (), Wanted(), MOMENT)
    made = device.make(options).reveal().decode()
    id, kept = TAKING.taken(Secret.of(made), memory, Wanted(), lambda _: None)
    one = Credential(id, "passkey", ALICE.id, memory=kept)
    question, free = METHOD.question(MOMENT)
    asked = Asked((one,), (one,), free)
    signed = device.sign(question).reveal().decode()
    service = Service()
    blob, root = service.file(entry(YUBIKEY, "Blue", "REVOKED"), entry(OTHER)), service.root.pem
    for number in range(cases):
        if number % 3 == 0:
            name, answer = inner(signed, random)
            METHOD.whose(answer)
            found = METHOD.check(answer, asked, MOMENT)
            unchanged = answer.reveal() == signed.encode() or name not in {*SIGNED, "rawId"}
            if not isinstance(found, Failed) and not unchanged and json.loads(answer.reveal()) != json.loads(signed):
                raise AssertionError(f"a changed {name} let in: {answer.reveal()!r}")
            counts[f"sign {type(found).__name__}"] += 1
        elif number % 3 == 1:
            try:
                TAKING.taken(inner(made, random)[1], memory, Wanted(), lambda _: None)
                counts["make taken"] += 1
            except NotTaken as why:
                counts[f"make {why.why.value}"] += 1
        else:
            broken = changed(blob, random)
            try:
                read_metadata(broken, NOON, root)
                counts["metadata taken"] += 1
            except NotMetadata:
                counts["metadata refused"] += 1
    return counts


def main() -> None:
    """Run as many cases as the command line says and print what was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    met = run(asked.cases, asked.seed)
    print(f"{asked.cases} inputs in {time.monotonic() - started:.0f} s, seed {asked.seed}: {dict(met)}")


if __name__ == "__main__":
    main()
