"""Metrics and health over HTTP, for loopback only: they are served without a sign-in."""
