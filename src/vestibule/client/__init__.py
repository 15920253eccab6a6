"""The client of the HTTP API, for Python programs that let people in or administer.

    from vestibule.client import Accepted, Challenge, Vestibule

    with Vestibule("https://mfa.example.org", key) as mfa:
        decision = mfa.begin("alice@example.org", password=password)
        if isinstance(decision, Challenge):
            decision = mfa.answer(decision, input(decision.text))
        let_in = isinstance(decision, Accepted)

`AsyncVestibule` is the same with `await`. Only `Accepted` lets in. Whatever is no decision is raised: `Problem` for
what the server says, `Unreachable` when it could not be asked.
"""

from vestibule.client.asynchronous import AsyncVestibule
from vestibule.client.decisions import Accepted, Challenge, Decision, Refused, Waiting, Way
from vestibule.client.errors import Problem, Unreachable
from vestibule.client.synchronous import Vestibule

__all__ = [
    "Accepted",
    "AsyncVestibule",
    "Challenge",
    "Decision",
    "Problem",
    "Refused",
    "Unreachable",
    "Vestibule",
    "Waiting",
    "Way",
]
