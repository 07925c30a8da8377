"""How workers wait for each other before TensorFlow does, whose waiting nothing can end."""

import socket
import time
from collections.abc import Sequence

from kdmri_tf.errors import InputError

_PAUSE_SECONDS = 0.2
_PROBE_SECONDS = 2.0


def await_workers(addresses: Sequence[str], own: int, seconds: float) -> None:
    """Returns when all workers are there: somebody listens at the address of each.

    A worker listens at its own until it has seen the others; from then on TensorFlow does.

    Args:
        addresses: host:port of all workers.
        own: index of this one.
        seconds: how long to wait.

    Raises:
        InputError: not all are there in time, or the port of this one is in use.
    """
    others = [address for index, address in enumerate(addresses) if index != own]
    if not others:
        return
    port = _parts(addresses[own])[1]
    try:
        server = _listen(port, len(addresses))
    except OSError as error:
        raise InputError(
            f"This worker cannot listen at its address {addresses[own]} ({error.strerror}): end "
            "what uses the port, or give it another one in the TF_CONFIG of all workers."
        ) from error
    with server:
        end = time.monotonic() + seconds
        while others:
            if _answers(others[0]):
                del others[0]
            elif time.monotonic() > end:
                raise InputError(
                    f"Not all {len(addresses)} workers came within {seconds:g} s: no answer from "
                    f"{', '.join(others)}. Start the same command on each of them, with ports that "
                    "all can reach, or allow more time (--worker-timeout; in code wait_seconds)."
                )
            else:
                time.sleep(_PAUSE_SECONDS)


def _listen(port: int, backlog: int) -> socket.socket:
    """Listens for IPv6 as well, where there is any: addresses may be of either kind."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
        )
    return socket.create_server(("", port), backlog=backlog)


def _answers(address: str) -> bool:
    """Tells whether somebody listens there."""
    try:
        with socket.create_connection(_parts(address), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False


def _parts(address: str) -> tuple[str, int]:
    """Returns host and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)  # of IPv6 in brackets
