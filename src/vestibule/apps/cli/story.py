"""A decision trace for the terminal."""

from typing import Any

from vestibule.apps.cli.output import moment

TITLES = {
    "who": "Who asked",
    "policy": "What the policy says",
    "first": "The first factor",
    "second": "The second factor",
    "outcome": "How it ended",
    "saw": "What was seen outside",
    "next": "What to do next",
}


def told(trace: dict[str, Any]) -> str:
    """The story in paragraphs, with the time above it and the other lines of the attempt below."""
    steps = ["\n".join([TITLES[step["topic"]], *(f"  {text}" for text in step["said"])]) for step in trace["steps"]]
    others = [
        f"  {moment(line['at'])}  {line['action']}  {line['reason'] or line['result']}" for line in trace["others"]
    ]
    more = ["\n".join(["Other lines of this attempt", *others])] if others else []
    return "\n\n".join([moment(trace["line"]["at"]), *steps, *more])
