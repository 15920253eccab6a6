"""Portable Symmetric Key Container (RFC 6030) between octets and tokens.

`reader` reads a file, `drafts` brings older forms into that of the RFC, `keys` makes a token of one key, `protection`
opens encrypted values and checks their MACs, `ciphers` computes, `writer` writes.
"""
