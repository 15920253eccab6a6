"""Under which address people reach the portal, as far as the configuration tells."""

from vestibule.apps.configuration import Configuration

ANY = ("0.0.0.0", "::")  # noqa: S104 - addresses that nobody asks by
USUAL = {"https": 443, "http": 80}


def portal_url(configuration: Configuration) -> str:
    """The address without a path; "" where the portal is off, or has a port that is not known beforehand."""
    api, server = configuration.api, configuration.server
    if not api.listen:
        return ""
    if api.public_url is not None:
        return api.public_url
    first = api.listen[0]
    if not first.port:
        return ""
    scheme = "http" if first.loopback and not api.certificate_files else "https"
    known = [*api.allowed_hosts, *([server.address] if server.address else []), server.name.lower()]
    host = known[0] if first.host in ANY or (api.allowed_hosts and not first.loopback) else first.host
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{shown}" if first.port == USUAL[scheme] else f"{scheme}://{shown}:{first.port}"
