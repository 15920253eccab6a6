"""Where the server's time goes under one-shot sign-ins: a sample every two milliseconds, by py-spy."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.load import closed_loop
from bench.processes import product
from bench.setting import People, Setting
from bench.sign_ins import IN_FLIGHT, codes, warm_up

SPY = Path(sys.executable).with_name("py-spy")
RATE = 500
WAITING = ("_worker (", "Runner.run (", "Writer._drain (", "wait (", "_bootstrap")  # a thread with nothing to do
LINE = re.compile(r":\d+\)$")


def profile(setting: Setting) -> str:
    """The ten functions that most samples ended in, and the ten of ours that most passed through."""
    people = People(setting.scale.users)
    seconds = max(2, int(setting.scale.seconds))
    with product("serve", setting.cores.server, setting.scale.population) as server:
        warm_up(server, people)
        requests = codes(people, len(people) // 2)
        with tempfile.TemporaryDirectory() as folder:
            stacks = Path(folder) / "stacks"
            spy = subprocess.Popen(_command(server.process.pid, seconds, stacks), stderr=subprocess.DEVNULL)
            closed_loop(server.port, requests, IN_FLIGHT, seconds + 1)
            spy.wait()
            return _told(stacks.read_text(encoding="utf-8").splitlines())


def _command(pid: int, seconds: int, output: Path) -> Sequence[str]:
    options = {"format": "raw", "rate": RATE, "duration": seconds, "pid": pid, "output": output}
    return [str(SPY), "record", *(f"--{name}={value}" for name, value in options.items())]


def _told(stacks: Sequence[str]) -> str:
    own: Counter[str] = Counter()
    through: Counter[str] = Counter()
    for stack in stacks:
        calls, _, count = stack.rpartition(" ")
        names = [LINE.sub(")", call) for call in calls.split(";")]
        if not names[-1].startswith(WAITING):
            own[names[-1]] += int(count)
            through.update({name: int(count) for name in set(names) if "vestibule/" in name})
    return f"{_list('ends in', own, own.total())}\n\n{_list('passes through', through, own.total())}\n"


def _list(title: str, counts: Counter[str], whole: int) -> str:
    lines = [f"| {count / whole:.1%} | `{name}` |" for name, count in counts.most_common(10)]
    return "\n".join([f"| time | {title} |", "|---:|---|", *lines])
