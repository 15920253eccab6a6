"""A stand-in for Samba's ntlm_auth, for what a real domain can not be made to do at will: die, hang, talk nonsense.

It speaks ntlm-server-1 as the real one does (`tests/journeys/test_winbind.py` asks that one), with its odd second dot
after a refusal. What it does stands in the name of the user:

    alice    her password is "secret"       says:X   refuses with the sentence X
    dies     ends without an answer         hangs    never answers
    keyless  says yes without a key         noise    says no word that is known
"""

import base64
import os
import signal
import sys

from tests.wire.ms_chap_client import challenge_response, hash_of_hash, nt_hash

PASSWORD = "secret"


def answer(asked: dict[str, str]) -> list[str]:
    user = base64.b64decode(asked["Username:"]).decode()
    match user.partition(":"):
        case "dies", _, _:
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs", _, _:
            signal.pause()
        case "keyless", _, _:
            return ["Authenticated: Yes"]
        case "noise", _, _:
            return ["Error: what is this?"]
        case "says", _, words:
            return ["Authenticated: No", f"Authentication-Error: {words}", "."]
        case _:
            pass
    right = challenge_response(bytes.fromhex(asked["LANMAN-Challenge"]), nt_hash(PASSWORD)).hex()
    if user != "alice" or asked["NT-Response"] != right:
        return ["Authenticated: No", "Authentication-Error: NT_STATUS_WRONG_PASSWORD", "."]
    return ["Authenticated: Yes", f"User-Session-Key: {hash_of_hash(PASSWORD).hex().upper()}"]


def main() -> None:
    assert sys.argv[-2:] == ["--helper-protocol=ntlm-server-1", "--allow-mschapv2"]
    asked: dict[str, str] = {}
    for line in sys.stdin:
        if line.rstrip("\n") != ".":
            name, _, value = line.rstrip("\n").partition(": ")
            asked[name] = value
            continue
        print(*answer(asked), ".", sep="\n", flush=True)
        asked = {}


if __name__ == "__main__":
    main()
