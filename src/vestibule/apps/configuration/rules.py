"""Rules over more than one key, looked at once each value is right by itself."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from vestibule.apps.configuration.model import Configuration
from vestibule.apps.configuration.problems import DEFAULT, Place, Problem


def contradictions(configuration: Configuration) -> Iterator[Problem]:
    """Give every pair of values that cannot hold together."""
    yield from _key_beside_data(configuration)
    yield from _open_demo(configuration)
    yield from _ports_taken(configuration)
    yield from _another_domain(configuration)


def _key_beside_data(configuration: Configuration) -> Iterator[Problem]:
    """Links are followed: what counts is where a copy of the directory would find the key."""
    if configuration.key.file.resolve().is_relative_to(configuration.data_directory.resolve()):
        yield Problem(
            _place(configuration, "key.file", "data_directory"),
            "key.file",
            "The master key lies in the data directory, so every copy of the data holds the key that opens it.",
            "Name a place outside of data_directory, and move the key there if there is one; back it up apart.",
        )


def _open_demo(configuration: Configuration) -> Iterator[Problem]:
    for key, listeners in (
        ("radius.listen", configuration.radius.listen),
        ("radsec.listen", configuration.radsec.listen),
        ("api.listen", configuration.api.listen),
    ):
        if configuration.demo.enabled and not all(one.loopback for one in listeners):
            yield Problem(
                _place(configuration, key, "demo.enabled"),
                key,
                "A demonstration listens on loopback only, and an address here can be reached from outside.",
                f'Set {key} to ["127.0.0.1:{listeners[0].port}"], or demo.enabled to false.',
            )


def _another_domain(configuration: Configuration) -> Iterator[Problem]:
    """Browsers make passkeys for the host of a page or a parent of it, and for nothing else."""
    domain, url = configuration.api.passkey_domain, configuration.api.public_url
    host = urlsplit(url).hostname if url else None
    if domain and host and host != domain and not host.endswith(f".{domain}"):
        yield Problem(
            _place(configuration, "api.passkey_domain", "api.public_url"),
            "api.passkey_domain",
            f"The portal is at {host}, and no browser makes passkeys for this domain there.",
            f"Name {host} or a parent of it, or leave api.passkey_domain out.",
        )


def _ports_taken(configuration: Configuration) -> Iterator[Problem]:
    """Each listener needs its own port, with accounting also the port after it; port 0 is chosen by the system."""
    accounting = configuration.radius.accounting
    taken: set[tuple[str, int]] = set()
    for one in configuration.radius.listen:
        wanted = {(one.host, port) for port in range(one.port, one.port + 1 + accounting)} if one.port else set()
        if taken & wanted or (one.host, 65536) in wanted:
            yield _port_problem(configuration)
            return
        taken |= wanted


def _port_problem(configuration: Configuration) -> Problem:
    return Problem(
        _place(configuration, "radius.listen", "radius.accounting"),
        "radius.listen",
        "Two listeners need the same port, or the port for accounting would be above 65535.",
        "Leave the port after each one free for accounting, or set radius.accounting to false.",
    )


def _place(configuration: Configuration, *keys: str) -> Place:
    """Give the place of the first of `keys` that somebody has set."""
    return next((place for place in map(configuration.source, keys) if place != DEFAULT), DEFAULT)
