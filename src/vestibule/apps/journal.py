"""How a line of the journal is held against the key of its chain: for the desk, and for the doctor."""

from collections.abc import Iterable

from vestibule.core.journal import Line
from vestibule.flows.desk import ChainFault
from vestibule.stores.chain import first_fault
from vestibule.stores.vault import Vault


def chain_fault(vault: Vault) -> ChainFault:
    """What does not fit in some lines of one chain, under the keys of this vault."""

    def fault(lines: Iterable[Line], chain: str, previous: str, expected_seq: int) -> str | None:
        return first_fault(lines, vault.derive("journal", chain.encode()).reveal(), previous, expected_seq)

    return fault
