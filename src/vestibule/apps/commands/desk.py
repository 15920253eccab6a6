"""The desk of a running server, or of a command without one: which piece does what administration needs."""

import os
import secrets
import time

from vestibule.apps.background import heads_file
from vestibule.apps.dictionary import dictionary
from vestibule.apps.journal import chain_fault
from vestibule.apps.pieces import Pieces
from vestibule.core.credentials import Credential
from vestibule.flows.desk import Desk, Oath
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.stores.heads_file import read_heads
from vestibule.stores.settings import known_settings, settings_from


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
        methods=tuple(method.name for method in methods),
        dictionary=dictionary(pieces.configuration),
        settings=known_settings(),
        check_settings=settings_from,
        chain_fault=chain_fault(vault),
        mac=lambda said: vault.mac("token", said),
        waiting=lambda: store.waiting,
        directories=pieces.directories,
        known_heads=lambda: read_heads(heads_file(pieces.configuration, os.environ)),
    )
