"""Signed-in browsers. What the browser holds is a token; what is kept of it is its HMAC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that somebody signed in with. Times are seconds since the epoch.

    `id` is HMAC(token key, the browser's token) in hex. `proved_at` is when the person last proved themselves: some
    acts want that to be fresh. `method` is the second factor of the sign-in, "" for none. `address` and `agent` are
    for the person, who looks for a session that is not theirs.
    """

    id: str
    user_id: str
    created_at: float
    seen_at: float
    proved_at: float
    method: str = ""
    address: str = ""
    agent: str = ""

    def alive(self, now: float, *, longest: float, idle: float) -> bool:
        """Whether it may still be used: not older than `longest` seconds, nor unused for `idle` seconds."""
        return 0 <= now - self.created_at < longest and now - self.seen_at < idle
