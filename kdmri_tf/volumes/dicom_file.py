"""One DICOM file, read within bounds: what it says of sizes costs no memory."""

import mmap
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.optional_package import package_for

if TYPE_CHECKING:
    import pydicom

LARGEST_DATASET = 2**28  # bytes that a deflated file may unpack to; a large slice has 2**25
BLOCK = 2**20


def read_file(path: Path, with_pixels: bool = True) -> "pydicom.Dataset":
    """Reads a DICOM file.

    Args:
        path: the file.
        with_pixels: whether to read what follows the header, too.

    Raises:
        InputError: it unpacks to more than any slice has, or pydicom is not installed.
        Exception: of many kinds, from pydicom, where the file is damaged.
    """
    pydicom = package_for(path, "pydicom")
    with (
        open(path, "rb") as file,
        _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        content.path = path
        return pydicom.dcmread(content, stop_before_pixels=not with_pixels)


class _Mapped(mmap.mmap):
    """Gives no more bytes than there are: a plain file makes room for all that are asked for."""

    path: Path

    def read(self, size: int | None = None) -> bytes:
        content = super().read(size)
        if size is None:  # pydicom unpacks the rest of a deflated file at once
            _check_unpacked(content, self.path)
        return content


def _check_unpacked(packed: bytes, path: Path) -> None:
    stream, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed and not stream.eof:
        size += len(stream.decompress(packed, BLOCK))
        packed = stream.unconsumed_tail
        if size > LARGEST_DATASET:
            raise InputError(
                f"{path} unpacks to more than {LARGEST_DATASET:,} bytes: it is damaged, or no "
                "slice of an MR series."
            )
