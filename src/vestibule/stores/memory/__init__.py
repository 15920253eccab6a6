"""A store without a disk: what the SQL stores are compared with."""

from vestibule.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
