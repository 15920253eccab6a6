"""The first time that a number or an address has shown that it reaches its person."""

from dataclasses import replace

from vestibule.core.credentials import Credential
from vestibule.core.phones import phone_of


def proven(credential: Credential, now: float) -> Credential:
    """The credential as one that was proven; it is written once, and stays the same object from then on."""
    phone = phone_of(credential)
    if phone.proven_at:
        return credential
    return replace(credential, memory=replace(phone, proven_at=now).text(), version=credential.version + 1)
