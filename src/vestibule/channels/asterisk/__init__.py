"""Calls by an Asterisk of one's own, over its REST interface (ARI) and the WebSocket on which it tells events."""

from vestibule.channels.asterisk.provider import Asterisk, Trunk

__all__ = ["Asterisk", "Trunk"]
