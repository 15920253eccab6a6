"""Recordings, for providers that play them in calls."""
