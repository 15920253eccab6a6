"""The worlds of the journeys, for those who race in them."""

from tests.journeys.conftest import any_world, template, world

__all__ = ["any_world", "template", "world"]
