"""Start-up configuration: one TOML file, the environment over it, and errors that name place and remedy.

The file holds only what starting needs; everything else lives in the database. Nothing here prints.
To add a key: one field in `model`, then `python -m vestibule.apps.configuration.page` brings the page up to date.
"""

from vestibule.apps.configuration.explaining import Explained, explain
from vestibule.apps.configuration.following import current_url
from vestibule.apps.configuration.listener import Listener
from vestibule.apps.configuration.loading import DEFAULT_FILE, load, locate
from vestibule.apps.configuration.model import Configuration
from vestibule.apps.configuration.problems import ConfigurationWrong, Place, Problem

__all__ = [
    "DEFAULT_FILE",
    "Configuration",
    "ConfigurationWrong",
    "Explained",
    "Listener",
    "Place",
    "Problem",
    "current_url",
    "explain",
    "load",
    "locate",
]
