"""What is asked of an LDAP server here: to bind, and to search at once or page by page.

A bind with an empty password succeeds as nobody (RFC 4513 section 5.1.2), and a server written in C may take one that
begins with octet 0 for empty. Neither leaves this file.
"""

import contextlib
from collections.abc import AsyncGenerator

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.directories.ldap.connection import Answer, Connection, Lost
from vestibule.directories.ldap.settings import Endpoint
from vestibule.wire.ldap.controls import PAGED_RESULTS, Page, paged, password_policy, read_page
from vestibule.wire.ldap.messages import (
    BindRequest,
    BindResponse,
    Control,
    Message,
    Result,
    ResultCode,
    SearchDone,
    SearchEntry,
    SearchRequest,
    Simple,
)

SLACK = 2
"""A server may give this many times the entries of a page before it is cut off."""


class Refused(Lost):
    """The server does not take the account that searches; asking again soon could lock it."""


def provable(password: Secret) -> bool:
    """Whether a bind with this password can prove anything."""
    value = password.reveal()
    return bool(value) and b"\0" not in value


async def bind(connection: Connection, name: str, password: Secret, *, seconds: float) -> Message:
    """Bind by name and password; the answer is a `BindResponse`, whatever it says.

    Raises ValueError before anything is sent for an empty name or password, `Mute` or `Lost` when there is no answer.
    """
    if not name or not provable(password):
        raise ValueError("a bind without a name or a password proves nothing and is never sent")
    answer = await connection.ask(BindRequest(name, Simple(password)), (password_policy(),), seconds=seconds)
    return answer.end


async def bind_service(connection: Connection, name: str, password: Secret, *, seconds: float) -> None:
    """Become the account that searches; without a name the connection stays anonymous. Raises `Refused`."""
    if not name:
        return
    said = bound(await bind(connection, name, password, seconds=seconds))
    if said.code != ResultCode.SUCCESS:
        raise Refused(
            f"{connection.endpoint}: refuses the account that searches ({said.named}); correct its name or password"
        )


def bound(message: Message) -> Result:
    """The result of a bind."""
    if not isinstance(message.operation, BindResponse):
        raise TypeError("not the answer to a bind")
    return message.operation.result


async def search(connection: Connection, request: SearchRequest, *, seconds: float) -> Answer:
    """Search at once; the request's size limit is the most that may come. Raises `Unavailable` for any failure.

    Reaching the size limit is none: the answer's end says it.
    """
    answer = await connection.ask(request, seconds=seconds, most_entries=request.size_limit)
    checked(connection.endpoint, answer, (ResultCode.SUCCESS, ResultCode.SIZE_LIMIT_EXCEEDED))
    return answer


async def pages(
    connection: Connection, request: SearchRequest, size: int, *, seconds: float
) -> AsyncGenerator[Answer, None]:
    """Search page by page (RFC 2696) on one connection, which others should not search by pages meanwhile.

    Each page may take so many seconds. A walk that ends without an exception was complete; `Unavailable` is the rest.
    """
    page = Page(size)
    while True:
        answer = await connection.ask(request, (paged(page),), seconds=seconds, most_entries=size * SLACK)
        checked(connection.endpoint, answer, (ResultCode.SUCCESS,))
        control = answer.end.control(PAGED_RESULTS)
        yield answer
        if control is None:
            raise Unavailable(f"{connection.endpoint}: gives no pages; the list would not be complete")
        page = Page(size, _cookie(connection.endpoint, control))
        if not page.cookie:
            return


async def entries_of(answers: AsyncGenerator[Answer, None]) -> AsyncGenerator[SearchEntry, None]:
    """The entries of all pages, one by one."""
    async with contextlib.aclosing(answers):
        async for answer in answers:
            for entry in answer.entries:
                yield entry


def sized_out(answer: Answer) -> bool:
    """Whether there was more than the size limit let through."""
    return _result(answer).code == ResultCode.SIZE_LIMIT_EXCEEDED


def checked(endpoint: Endpoint, answer: Answer, fine: tuple[ResultCode, ...]) -> None:
    """Raise `Unavailable` for every result that is not fine; `Lost` where the server says it can not serve."""
    result = _result(answer)
    if result.code in fine:
        return
    told = f"{endpoint}: the search failed: {result.named}"
    if result.code in {ResultCode.BUSY, ResultCode.UNAVAILABLE}:
        raise Lost(told)
    raise Unavailable(told)


def _result(answer: Answer) -> Result:
    if not isinstance(answer.end.operation, SearchDone):
        raise TypeError("not the answer to a search")
    return answer.end.operation.result


def _cookie(endpoint: Endpoint, control: Control) -> bytes:
    try:
        return read_page(control).cookie
    except Malformed as malformed:
        raise Unavailable(f"{endpoint}: its pages make no sense: {malformed}") from None
