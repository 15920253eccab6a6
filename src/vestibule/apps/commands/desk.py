"""The desk of a running server, or of a command without one: which piece does what administration needs."""

import os
import secrets
import time

from vestibule.apps.background import heads_file
from vestibule.apps.dictionary import dictionary
from vestibule.apps.journal import chain_fault
from vestibule.apps.pieces import Pieces
from vestibule.apps.public import portal_url
from vestibule.core.credentials import Credential
from vestibule.flows.desk import Desk, Oath
from vestibule.flows.passkey_shapes import Passkeys
from vestibule.methods.access_pass import AccessPass
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.registering import Registering
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.stores.heads_file import read_heads
from vestibule.stores.settings import known_settings, settings_from


def _passkeys(pieces: Pieces) -> Passkeys | None:
    method = next((one for one in pieces.begun if isinstance(one, Passkey)), None)
    return Passkeys(method, Registering(method)) if method else None


def desk_of(pieces: Pieces) -> Desk:
    """Put the desk together. Raises Malformed, OSError for a dictionary file that can not be read."""
    methods, vault, store = pieces.methods, pieces.vault, pieces.store
    recovery = next(method for method in methods if isinstance(method, Recovery))

    def issue_recovery(credential: Credential) -> tuple[Credential, tuple[str, ...]]:
        return recovery.issue(credential, secrets.token_bytes(CODES * OCTETS))

    return Desk(
        store=store,
        clock=time.time,
        chance=secrets.token_bytes,
        fingerprint=vault.fingerprint,
        hash_password=pieces.passwords.hash,
        oath={method.name: method for method in methods if isinstance(method, Oath)},
        issue_recovery=issue_recovery,
        methods=(*(method.name for method in methods), *(method.name for method in pieces.begun)),
        dictionary=dictionary(pieces.configuration),
        settings=known_settings(),
        check_settings=settings_from,
        chain_fault=chain_fault(vault),
        mac=lambda said: vault.mac("token", said),
        waiting=lambda: store.waiting,
        directories=pieces.directories,
        known_heads=lambda: read_heads(heads_file(pieces.configuration, os.environ)),
        portal=portal_url(pieces.configuration),
        typed={method.name: method for method in methods},
        begun=pieces.begun,
        passkeys=_passkeys(pieces),
        codes_left=recovery.left,
        code_mac=pieces.delivery.mac,
        providers=pieces.delivery.providers,
        standings=pieces.delivery.standings,
        passes=next((method for method in methods if isinstance(method, AccessPass)), None),
    )
