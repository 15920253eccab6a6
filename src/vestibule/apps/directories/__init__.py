"""Directories of others: which kinds there are, and those that are set up, opened when they are first asked.

To add a kind: write its settings as a module beside this one and put it in `kinds`.
"""

from vestibule.apps.directories.live import LiveDirectories, OpenKind

__all__ = ["LiveDirectories", "OpenKind"]
