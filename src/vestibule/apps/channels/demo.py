"""The telephone of the demonstration: nothing to set up, and known to a demonstration only."""

from collections.abc import Mapping
from typing import Any

from vestibule.apps.channels.forms import Form, kept, read
from vestibule.channels.demo import Handset
from vestibule.core.delivery import Medium
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret


class DemoKind:
    """Has the shape `OpenProviderKind`; all providers of it are the one telephone on the page."""

    media = frozenset(Medium)

    def __init__(self, handset: Handset) -> None:
        """Take the telephone."""
        self._handset = handset

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:  # noqa: ARG002 - nothing to be wrong
        """See `ProviderKind.checked`."""
        return kept(read(Form, settings))

    def open(self, record: ProviderRecord, hook: str) -> Handset:  # noqa: ARG002 - as above
        """See `OpenProviderKind.open`."""
        return self._handset
