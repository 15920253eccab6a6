"""Twilio: texts, and calls."""
