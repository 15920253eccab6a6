"""What every store must do: inherit from `StoreSuite` and give it a fixture `open_store`.

The fixture yields an `OpenStore`; calling it opens the store of this test, empty at first. It closes what it opened.
"""

from tests.conformance.store.journal import Journalling
from tests.conformance.store.opening import OpenStore
from tests.conformance.store.records import Recording
from tests.conformance.store.searching import Searching
from tests.conformance.store.settings import Ruling
from tests.conformance.store.settling import Settling
from tests.conformance.store.sign_ins import SigningIn
from tests.conformance.store.upkeep import KeepingUp
from tests.conformance.store.watching import Watching

__all__ = ["OpenStore", "StoreSuite"]


class StoreSuite(Recording, Ruling, Settling, SigningIn, Journalling, Watching, KeepingUp, Searching):
    """All parts of the contract."""
