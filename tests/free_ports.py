"""Ports of this machine that nobody listens at."""

import contextlib
import socket


def free_ports(count):
    """So many of them, each another one."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in sockets]
