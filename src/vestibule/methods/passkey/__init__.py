"""Passkeys (WebAuthn Level 3): a key pair that a device or a security key keeps, good for this server's name alone.

`method` asks and checks, `registering` takes a new one, `metadata` reads what their makers say of them, `kept` is what
is stored of one.
"""

from vestibule.methods.passkey.method import Passkey

__all__ = ["Passkey"]
