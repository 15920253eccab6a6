"""The servers that a URL names: asked all at once, the first that takes writes is used.

The driver asks one after the other with one limit for all, so a first one that holds still, as a machine without power
does, would keep the node from the second.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl, quote

import asyncpg

WRITABLE = "target_session_attrs=read-write"

_FORM = re.compile(r"(?P<user>postgresql://(?:[^@/?]*@)?)(?P<hosts>[^/?@]*)(?P<name>[^?]*)\??(?P<options>.*)")
_HOST = re.compile(r"(\[[^\]]*\]|/[^:]*|[^:]*)(?::([0-9]+))?")

Connect = Callable[[str], Coroutine[Any, Any, asyncpg.Connection]]
Opening = asyncio.Task[asyncpg.Connection]


def of_each(url: str) -> list[str]:
    """The URL of each server that this URL names, in its order; several must take writes unless it says otherwise."""
    form = _FORM.fullmatch(url)
    named = dict(parse_qsl(form["options"])) if form else {}
    hosts = (form["hosts"] or named.get("host", "")).split(",") if form else []
    ports = _ports(named.get("port", ""), len(hosts))
    if form is None or len(hosts) < 2 or len(ports) != len(hosts):
        return [url]  # the driver says what is wrong with it, if anything is
    options = [option for option in form["options"].split("&") if option and not option.startswith(("host=", "port="))]
    if "target_session_attrs" not in named:
        options.append(WRITABLE)
    places = map(_place, hosts, ports)
    return [f"{form['user']}{place}{form['name']}?{'&'.join(options)}" for place in places]


def _ports(text: str, count: int) -> list[str]:
    """One for all, or one for each."""
    return text.split(",") if "," in text else [text] * count


def _place(host: str, port: str) -> str:
    """Host and port as they stand before the first slash; the folder of a socket is written with %2F there."""
    form = _HOST.fullmatch(host)
    name, own = (form[1], form[2]) if form else (host, None)
    where = quote(name, safe="") if name.startswith("/") else name
    return f"{where}:{own or port}" if own or port else where


async def first_of(urls: list[str], connect: Connect) -> asyncpg.Connection:
    """The first connection that comes about; the others are given up. Raises what the last one raised if none does."""
    waiting = {asyncio.create_task(connect(url)) for url in urls}
    opened: list[Opening] = []
    done: set[Opening] = set()
    try:
        while waiting and not opened:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            opened = [one for one in done if one.exception() is None]
        return (opened or list(done)).pop().result()
    finally:
        for one in (*waiting, *opened):
            one.cancel()
            one.add_done_callback(_close)


def _close(opening: Opening) -> None:
    """Close a connection that came about after all."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().terminate()
