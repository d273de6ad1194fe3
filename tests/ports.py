"""Ports for servers that tests stop and start again.

They lie below the range the kernel takes source ports from: a client that dials a closed port of that range may get it
as its own source port, and then talks to itself or keeps the server from coming back.
"""

from __future__ import annotations

import random
import socket


def lasting(host: str = "127.0.0.1") -> int:
    """A TCP port nobody uses now and the kernel gives to nobody."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
