"""A small disk of its own for a test, which can be full."""

import contextlib
import os
import subprocess

import pytest

SIZE = 3 * 2**20


@contextlib.contextmanager
def small_disk(folder):
    """Yields the folder, a disk of 3 MiB until this ends; skips the test where there is none."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("disks cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder, leaving=0):
    """Fills the disk but for some bytes, until this ends."""
    filler = folder / "filler"
    status = os.statvfs(folder)
    filler.write_bytes(bytes(status.f_bavail * status.f_frsize - leaving))
    try:
        yield
    finally:
        filler.unlink()
