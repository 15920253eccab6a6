"""Servers that are left alone, as metrics."""

from prometheus_client import CollectorRegistry

from vestibule.apps.directories.server_rests import ServerRests


def test_each_server_of_each_directory_has_its_lines() -> None:
    registry, rests = CollectorRegistry(), dict[str, dict[str, tuple[bool, int]]]()
    registry.register(ServerRests(lambda: rests))
    one = {"directory": "corp", "server": "ldaps://dc1:636"}
    assert registry.get_sample_value("vestibule_directory_resting", one) is None
    rests["corp"] = {"ldaps://dc1:636": (True, 3), "ldaps://dc2:636": (False, 0)}
    assert registry.get_sample_value("vestibule_directory_resting", one) == 1.0
    assert registry.get_sample_value("vestibule_directory_rests_total", one) == 3.0
    two = {"directory": "corp", "server": "ldaps://dc2:636"}
    assert registry.get_sample_value("vestibule_directory_resting", two) == 0.0
