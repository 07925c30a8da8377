"""Signals that stop a command: like Ctrl-C, so that every `with` and `finally` is left in order."""

import os
import signal
import sys
import threading
from types import FrameType

# SIGTERM is how `kill`, a batch system or a container stops a process; SIGHUP comes when its
# terminal is closed, and is not there on Windows.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


_AGAIN = 0.05  # seconds


class Stopped(KeyboardInterrupt):
    """What the first of these signals raises.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def stop_in_order() -> None:
    """Makes these signals raise `Stopped`, but for those that are ignored.

    `nohup` ignores SIGHUP, and a script's shell SIGINT for whatever it starts with `&`.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _not_dropped


def exit_status(stop: KeyboardInterrupt) -> int:
    """Returns 128 and the number of the signal, as shells do: 130 for Ctrl-C."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def _stop(number: int, _: FrameType | None) -> None:
    """Ends the command in order, and whatever it does at the next signal.

    For TensorFlow may take its time to end.
    """
    for other in _SIGNALS:
        if signal.getsignal(other) == _stop:
            signal.signal(other, signal.SIG_DFL)
    raise Stopped(number)


def _not_dropped(dropped: "sys.UnraisableHookArgs") -> None:
    """Sends the signal again whose exception was lost, as it came while an object was deleted."""
    if not isinstance(dropped.exc_value, Stopped):
        sys.__unraisablehook__(dropped)
        return
    number = dropped.exc_value.number
    signal.signal(number, _stop)
    again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
