"""Vestibule: the room between two doors."""
