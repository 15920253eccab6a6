"""The telephone of a demonstration, put beside the pages of its portal, behind a guard of the same kind."""

from starlette.responses import Response

from vestibule.channels.demo import Handset
from vestibule.portals import demo_phone
from vestibule.portals.behind import Asgi, Behind, Message, Receive, Send
from vestibule.portals.guard import Guard
from vestibule.portals.trouble import trouble


def beside(portal: Asgi, behind: Behind, handset: Handset | None) -> Asgi:
    """The portal, and the telephone where there is one."""
    if handset is None:
        return portal

    def in_trouble(_scope: Message, status: int, reference: str) -> Response:
        return trouble(behind, status, reference=reference)

    telephone = Guard(demo_phone.application(handset), in_trouble, behind.manners, behind.counts)

    async def both(scope: Message, receive: Receive, send: Send) -> None:
        serve = telephone if scope["path"].startswith(demo_phone.PREFIX) else portal
        await serve(scope, receive, send)

    return both
