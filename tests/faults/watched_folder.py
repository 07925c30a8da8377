"""A folder that nobody may look into: the kernel says who does."""

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ALL_EVENTS = 0xFFF  # of inotify
IS_FOLDER = 0x40000000
NONBLOCK = os.O_NONBLOCK


class Watch:
    """Lists what was done to a folder and its files."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(NONBLOCK)
        number = libc.inotify_add_watch(self._file, os.fsencode(folder), ALL_EVENTS)
        assert min(self._file, number) >= 0, os.strerror(ctypes.get_errno())

    def touched(self) -> list[str]:
        """Returns the names of what was opened, read, written, made or deleted since."""
        try:
            events = os.read(self._file, 2**20)
        except BlockingIOError:
            return []
        names, position = [], 0
        while position < len(events):
            _, mask, _, length = struct.unpack_from("iIII", events, position)
            name = events[position + 16 : position + 16 + length].rstrip(b"\0").decode()
            if not (mask & IS_FOLDER and not name):  # the folder itself was listed
                names.append(name)
            position += 16 + length
        return names

    def close(self) -> None:
        os.close(self._file)


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[Watch]:
    """Watches a folder; skips the test where there is no inotify."""
    if not sys.platform.startswith("linux"):
        pytest.skip("there is no inotify here")
    watch = Watch(folder)
    try:
        yield watch
    finally:
        watch.close()
