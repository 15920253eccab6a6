"""The requests that are made of an Asterisk, as values (its `rest-api/*.json` describe them)."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from vestibule.core.secret import Secret
from vestibule.wire.exchange import Request


@dataclass(frozen=True, slots=True)
class Ari:
    """Where the interface is (`http://host:8088/ari`), whom it knows us as, and the name of our application there."""

    url: str
    user: str
    password: Secret
    application: str

    @property
    def authorization(self) -> tuple[str, str]:
        """The header that says who asks."""
        return "authorization", "Basic " + b64encode(self.user.encode() + b":" + self.password.reveal()).decode()

    @property
    def events(self) -> str:
        """Where the events of our application are told."""
        scheme, _, rest = self.url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/events?{urlencode({'app': self.application})}"

    def originate(self, channel: str, endpoint: str, caller: str, seconds: int, context: str) -> Request:
        """Call somebody under our id for the channel. With `context` the dialplan takes the answer first."""
        enter = {"context": context, "extension": "s", "priority": "1"} if context else {"app": self.application}
        said = {"endpoint": endpoint, "callerId": caller, "timeout": str(seconds), **enter}
        return self._asked("POST", f"channels/{_part(channel)}", {key: value for key, value in said.items() if value})

    def subscribe(self, channel: str) -> Request:
        """Be told of a channel also before it enters our application."""
        return self._asked(
            "POST", f"applications/{_part(self.application)}/subscription", {"eventSource": f"channel:{channel}"}
        )

    def play(self, channel: str, playback: str, media: str) -> Request:
        """Say this sound."""
        return self._asked("POST", f"channels/{_part(channel)}/play/{_part(playback)}", {"media": media})

    def stop(self, playback: str) -> Request:
        """Fall silent."""
        return self._asked("DELETE", f"playbacks/{_part(playback)}")

    def dial(self, channel: str, keys: str, before: int) -> Request:
        """Key this after `before` milliseconds."""
        return self._asked("POST", f"channels/{_part(channel)}/dtmf", {"dtmf": keys, "before": str(before)})

    def hang_up(self, channel: str) -> Request:
        """End a call."""
        return self._asked("DELETE", f"channels/{_part(channel)}", {"reason": "normal"})

    def channel(self, channel: str) -> Request:
        """Look whether a call is there."""
        return self._asked("GET", f"channels/{_part(channel)}")

    def ours(self) -> Request:
        """Look which calls have entered our application."""
        return self._asked("GET", f"applications/{_part(self.application)}")

    def _asked(self, method: str, path: str, query: dict[str, str] | None = None) -> Request:
        asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return Request(method, f"{self.url}/{path}{asked}", (self.authorization,))


def _part(text: str) -> str:
    return quote(text, safe="")


def dialled(keys: str) -> list[tuple[str, int]]:
    """What is keyed, in pieces with the milliseconds before each; a comma is a second."""
    pieces: list[tuple[str, int]] = []
    pause = 0
    for piece in keys.split(","):
        if piece:
            pieces.append((piece, pause))
            pause = 0
        pause += 1000
    return pieces
