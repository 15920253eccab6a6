"""Telnyx: texts, and calls."""
