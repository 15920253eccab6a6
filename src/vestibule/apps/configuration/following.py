"""The address of the database as it is now: read again before each connection, for a password may have been changed."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vestibule.apps.configuration.loading import load
from vestibule.apps.configuration.model import Configuration
from vestibule.apps.configuration.problems import ConfigurationWrong


def current_url(configuration: Configuration, path: Path | None, environment: Mapping[str, str]) -> Callable[[], str]:
    """Give a function that reads the URL again from where `configuration` came from.

    A configuration that has become wrong meanwhile, or that names a database of the other kind, changes nothing.
    """
    known = configuration.database

    def current() -> str:
        nonlocal known
        try:
            found = load(path, environment).database
        except ConfigurationWrong:
            return known.url
        known = found if found.postgresql is known.postgresql else known
        return known.url

    return current
