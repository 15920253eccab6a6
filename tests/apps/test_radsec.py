"""RadSec is off until it is asked for, and says which files it misses."""

from pathlib import Path
from typing import cast

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from vestibule.apps.configuration import Configuration, ConfigurationWrong, load
from vestibule.apps.radsec import open_radsec
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import RadiusDoor

LOG: FilteringBoundLogger = structlog.get_logger()


def opened(configuration: Configuration) -> object:
    counts = Counts(CollectorRegistry(), LOG)
    return open_radsec(cast("RadiusDoor", None), configuration, counts, LOG).addresses


def test_it_is_off_until_it_is_asked_for() -> None:
    assert opened(load(None, {})) == ()


def test_files_that_are_not_there_are_told_with_their_keys(tmp_path: Path) -> None:
    environment = {
        "VESTIBULE_RADSEC_LISTEN": "127.0.0.1:0",
        "VESTIBULE_RADSEC_CERTIFICATE_FILES": f"{tmp_path}/server.pem",
        "VESTIBULE_RADSEC_CLIENT_CA_FILE": f"{tmp_path}/clients.pem",
    }
    with pytest.raises(OSError, match=r"radsec\.certificate_files and radsec\.client_ca_file.*server\.pem"):
        opened(load(None, environment))


def test_a_certificate_is_named() -> None:
    with pytest.raises(ConfigurationWrong, match=r"(?s)radsec\.certificate_files.*No file is named"):
        load(None, {"VESTIBULE_RADSEC_CERTIFICATE_FILES": ""})


def test_a_demonstration_keeps_to_loopback() -> None:
    environment = {
        "VESTIBULE_DEMO_ENABLED": "true",
        "VESTIBULE_RADIUS_LISTEN": "127.0.0.1:1812",
        "VESTIBULE_RADSEC_LISTEN": "0.0.0.0:2083",
    }
    with pytest.raises(ConfigurationWrong, match=r"radsec\.listen"):
        load(None, environment)
