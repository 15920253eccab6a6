"""Passwords that another RADIUS server checks: NPS, FreeRADIUS.

`servers` says whom to ask, `answers` what came back, `timing` and `breaker` when to ask again and when to leave alone,
`line` is one socket, `peer` one server, `directory` asks them in order.
"""

from vestibule.directories.upstream_radius.answers import Accepted, Answer, Challenged, Rejected, Relayed
from vestibule.directories.upstream_radius.directory import UpstreamRadius
from vestibule.directories.upstream_radius.servers import Server
from vestibule.directories.upstream_radius.timing import Timing

__all__ = ["Accepted", "Answer", "Challenged", "Rejected", "Relayed", "Server", "Timing", "UpstreamRadius"]
