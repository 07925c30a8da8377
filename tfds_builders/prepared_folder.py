"""The folder of a prepared data set: one process at a time, and the earlier one kept meanwhile.

TFDS writes a data set beside its folder and then renames it, but never over an earlier one. It also
tells the user the path that it writes to, which must not be a temporary one (`files.replacing`).
"""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keeps other processes from preparing the same folder; yields whether it waited for one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.parent.with_name(f"{folder.parent.name}.lock"))
    has_waited = False
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        logger.info("Waiting for another process that is preparing %s.", folder)
        lock.acquire()
        has_waited = True
    try:
        yield has_waited
    finally:
        lock.release()


@contextlib.contextmanager
def kept_until_replaced(folder: Path) -> Iterator[None]:
    """Puts a folder aside, and back if what is to replace it fails or is stopped."""
    take_back(folder)  # what a killed process left since the last look
    if folder.exists():
        folder.rename(aside(folder))
    try:
        yield
    finally:
        take_back(folder)


def take_back(folder: Path) -> None:
    """Puts back a folder that was put aside, or removes it if it has been replaced."""
    earlier = aside(folder)
    if not earlier.exists():
        return
    if folder.exists():
        shutil.rmtree(earlier)
    else:
        earlier.rename(folder)


def clear_away(folder: Path) -> None:
    """Removes what killed processes wrote beside a folder; for the one that is `alone`."""
    for leftover in folder.parent.glob(f"incomplete.*_{folder.name}"):
        shutil.rmtree(leftover, ignore_errors=True)


def aside(folder: Path) -> Path:
    """Returns where a folder is put while it is prepared anew."""
    return folder.with_name(f"before.{folder.name}")
