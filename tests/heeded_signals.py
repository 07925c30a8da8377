"""Signals of processes that tests start."""

import signal


def heed_all_signals():
    """As in a terminal, wherever the tests run: `nohup` ignores SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
