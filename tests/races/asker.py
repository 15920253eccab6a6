"""Somebody who asks a node, as a process of its own: `python -m tests.races.asker <socket>`; a line in, a line out."""

import socket
import sys

with socket.socket(socket.AF_UNIX) as node:
    node.connect(sys.argv[1])
    answers = node.makefile()
    for line in sys.stdin:
        node.sendall(line.encode())
        print(answers.readline(), end="", flush=True)
