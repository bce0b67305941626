"""The socket that the stand-in listens on."""

from __future__ import annotations

import socket


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one. Raises ``OSError`` if the port cannot be had.

    The protocol is named because asyncio turns off Nagle's algorithm only for sockets that name it; with it on, every
    answer of two packets waits 40 ms for an acknowledgement.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
