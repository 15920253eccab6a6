"""For which domain passkeys are made, and which origins are ours, as the configuration tells."""

from pathlib import Path

import pytest

from vestibule.apps.configuration import ConfigurationWrong, load
from vestibule.apps.passkeys import passkey_of

NAMED = {"VESTIBULE_SERVER_NAME": "MFA1", "VESTIBULE_KEY_FILE": "/etc/vestibule/master.key"}
EVERYWHERE = {"listen": "0.0.0.0:443"}
NAMED_URL = {**EVERYWHERE, "public_url": "https://mfa.example.org"}


def found(folder: Path, **more: str) -> tuple[str, tuple[str, ...]] | None:
    variables = {f"VESTIBULE_API_{name.upper()}": value for name, value in more.items()}
    method = passkey_of(load(None, {**NAMED, "VESTIBULE_DATA_DIRECTORY": str(folder), **variables}))
    return (method.domain, method.origins) if method else None


@pytest.mark.parametrize(
    ("said", "domain", "origins"),
    [
        (NAMED_URL, "mfa.example.org", ["https://mfa.example.org"]),
        (
            {"listen": "0.0.0.0:8443", "public_url": "https://mfa.example.org:8443"},
            "mfa.example.org",
            ["https://mfa.example.org:8443"],
        ),
        (
            {**NAMED_URL, "allowed_hosts": "login.mfa.example.org,www.example.org,evilmfa.example.org"},
            "mfa.example.org",
            ["https://mfa.example.org", "https://login.mfa.example.org"],
        ),
        (
            {**NAMED_URL, "allowed_hosts": "www.example.org,example.com", "passkey_domain": "example.org"},
            "example.org",
            ["https://mfa.example.org", "https://www.example.org"],
        ),
        (EVERYWHERE, "mfa1", ["https://mfa1"]),
        ({"listen": "127.0.0.1:9465"}, "localhost", ["http://localhost"]),
        ({"listen": "127.0.0.1:0"}, "localhost", ["http://localhost"]),
        ({"listen": "[::1]:9465"}, "localhost", ["http://localhost"]),
        (
            {"listen": "127.0.0.1:9465", "public_url": "https://mfa.example.org"},
            "mfa.example.org",
            ["https://mfa.example.org"],
        ),
    ],
)
def test_the_domain_follows_the_address_of_the_portal(
    tmp_path: Path, said: dict[str, str], domain: str, origins: list[str]
) -> None:
    assert found(tmp_path, **said) == (domain, tuple(origins))


@pytest.mark.parametrize(
    "said", [{"listen": ""}, {"listen": "192.0.2.10:443"}, {**EVERYWHERE, "public_url": "https://192.0.2.10"}]
)
def test_without_a_host_name_there_are_no_passkeys(tmp_path: Path, said: dict[str, str]) -> None:
    assert found(tmp_path, **said) is None


@pytest.mark.parametrize(
    "domain", ["example.com", "fa.example.org", "login.mfa.example.org", "192.0.2.1", "*.example.org"]
)
def test_a_domain_that_no_browser_would_take_is_a_wrong_configuration(tmp_path: Path, domain: str) -> None:
    with pytest.raises(ConfigurationWrong, match="passkey_domain"):
        found(tmp_path, **NAMED_URL, passkey_domain=domain)
