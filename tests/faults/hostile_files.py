"""What hostile files are made with."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

HUGE = 3 * 10**9
Made = Iterator[tuple[str, Path, bool]]  # name, path, whether it may be read
Entries = dict[str, bytes]  # of an archive


class Payload:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Callable, tuple]:
        return open, (self._path, "w")


def deflated_bomb(content: bytes) -> bytes:
    """Returns the DEFLATE stream of some bytes and then 4 GiB of zeros, 4 MB in all."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = stream.compress(content) + stream.flush(zlib.Z_FULL_FLUSH)
    zeros = stream.compress(bytes(2**26)) + stream.flush(zlib.Z_FULL_FLUSH)
    return start + 64 * zeros + stream.flush()


def new_folder(root: Path, name: str) -> Path:
    """Makes the folder of a case."""
    (root / name).mkdir(parents=True)
    return root / name


def entries_of(path: Path) -> Entries:
    """Reads an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_archive(path: Path, entries: Mapping[str, bytes]) -> None:
    """Writes an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def npz(arrays: Mapping[str, Any]) -> bytes:
    """Returns the .npz file of arrays, which may hold objects."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=True, **arrays)
    return stream.getvalue()
