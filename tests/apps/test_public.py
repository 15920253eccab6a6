"""Under which address people reach the portal: as it is named, or as it follows from where the API listens."""

from pathlib import Path

import pytest

from vestibule.apps.configuration import ConfigurationWrong, load
from vestibule.apps.public import portal_url

NAMED = {"VESTIBULE_SERVER_NAME": "MFA1", "VESTIBULE_KEY_FILE": "/etc/vestibule/master.key"}


def url(folder: Path, **more: str) -> str:
    variables = {f"VESTIBULE_API_{name.upper()}": value for name, value in more.items()}
    return portal_url(load(None, {**NAMED, "VESTIBULE_DATA_DIRECTORY": str(folder), **variables}))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"listen": ""}, ""),
        ({"listen": "", "public_url": "https://mfa.example.org"}, ""),
        ({"listen": "127.0.0.1:0"}, ""),
        ({"listen": "127.0.0.1:0", "public_url": "https://MFA.example.org/"}, "https://mfa.example.org"),
        ({"listen": "0.0.0.0:443", "public_url": "https://mfa.example.org:8443"}, "https://mfa.example.org:8443"),
        ({"listen": "127.0.0.1:9465"}, "http://127.0.0.1:9465"),
        ({"listen": "127.0.0.1:9465", "certificate_files": "/etc/a.pem"}, "https://127.0.0.1:9465"),
        ({"listen": "[::1]:9465"}, "http://[::1]:9465"),
        ({"listen": "0.0.0.0:443"}, "https://mfa1"),
        ({"listen": "0.0.0.0:9465", "allowed_hosts": "mfa.example.org"}, "https://mfa.example.org:9465"),
        ({"listen": "192.0.2.10:443", "allowed_hosts": "mfa.example.org"}, "https://mfa.example.org"),
        ({"listen": "192.0.2.10:443"}, "https://192.0.2.10"),
    ],
)
def test_the_address_is_named_or_follows(tmp_path: Path, said: dict[str, str], found: str) -> None:
    assert url(tmp_path, **said) == found


@pytest.mark.parametrize(
    "wrong",
    [
        "mfa.example.org",
        "ftp://x",
        "https://x/y",
        "https://x?y",
        "https://u@x",
        "https://x:0",
        "https://x:99999",
        "https://[",
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigurationWrong, match="without a path"):
        url(tmp_path, public_url=wrong)
