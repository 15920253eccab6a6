"""SMPP 3.4: a message centre of one's own carrier."""
