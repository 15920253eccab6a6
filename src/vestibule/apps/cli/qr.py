"""A QR code in the terminal."""

import io

import segno


def drawn(text: str) -> str:
    """`text` as a QR code of half blocks, at most 65 columns wide for an otpauth URI."""
    opened = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(opened, compact=True, border=2)
    return opened.getvalue().rstrip("\n")
