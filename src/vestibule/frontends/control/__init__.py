"""Administration over a unix socket: the door, and the protocol that it shares with its clients."""
