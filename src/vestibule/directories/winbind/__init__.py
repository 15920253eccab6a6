"""MS-CHAP version 2 for people of an Active Directory: Samba's ntlm_auth asks the domain by way of winbind.

`statuses` says what the domain's answers mean, `program` is one running ntlm_auth, `pool` holds some of them.
"""

from vestibule.directories.winbind.pool import NtlmAuth

__all__ = ["NtlmAuth"]
