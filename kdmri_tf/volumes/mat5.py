"""Looks through a MATLAB v5 file before SciPy reads it.

SciPy believes the sizes and types that a file states: a single flipped bit can end the process.
"""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array

INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15  # data types of the format
VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # of numeric types
NUMERIC_CLASSES = range(6, 16)
OPAQUE = 17  # a class
COMPLEX = 0x0800  # flag of an array
HEAD = 1024  # bytes, more than an array has before its values
LARGEST_VALUE = 16  # bytes: complex double


def check_mat5(path: Path, name: str) -> None:
    """Checks that an array's header, sizes and types agree, and its checksum if it is compressed.

    Args:
        path: the file.
        name: of the array.

    Raises:
        InputError: the array holds no numbers, is empty or too large.
        ValueError, zlib.error: the file is damaged.
    """
    for kind, body, order in _elements(path):
        if kind == MATRIX:
            _Matrix(body, order, path, name).check_values(body)
            continue
        stream = zlib.decompressobj()
        head = stream.decompress(body, HEAD)
        matrix = _Matrix(head[8:], order, path, name)
        rest = stream.decompress(stream.unconsumed_tail, matrix.most_bytes)
        if matrix.is_wanted and not stream.eof:
            raise ValueError("its compressed values do not end where they should")
        matrix.check_values(head[8:] + rest)


def names_in_mat5(path: Path) -> list[str]:
    """Returns the names of the variables of a file, but for objects of MATLAB's.

    Raises:
        ValueError, zlib.error: the file is damaged.
    """
    names = []
    for kind, body, order in _elements(path):
        head = body if kind == MATRIX else zlib.decompressobj().decompress(body, HEAD)[8:]
        names.append(_Matrix(head, order, path, name="").name)
    return [name for name in names if name]


def _elements(path: Path) -> Iterator[tuple[int, bytes, str]]:
    """Yields the type and content of every element of a file, and the order of its bytes."""
    with open(path, "rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(128)[126:])
        if order is None:
            raise ValueError("it is no MATLAB v5 file")
        while tag := file.read(8):
            kind, size = _integers(tag, "I", order)
            if size > path.stat().st_size:
                raise ValueError("it ends early")
            body = file.read(size)
            if len(body) < size or kind not in (MATRIX, COMPRESSED):
                raise ValueError("it ends early, or a tag is damaged")
            yield kind, body, order


class _Matrix:
    """The header of an array: its flags, shape and name, and where its values begin."""

    def __init__(self, head: bytes, order: str, path: Path, name: str) -> None:
        self._order = order
        flags, shape, named = (b"", b"", b"")
        kinds = []
        self._position = 0
        for _ in range(3):
            kind, start, end, self._position = self._element(head, self._position)
            kinds.append(kind)
            flags, shape, named = shape, named, head[start:end]
        self._flags = _integers(flags, "I", order)[0]
        self.name = ""
        if self._flags & 0xFF == OPAQUE:  # an object of MATLAB's, which has another header
            self.is_wanted = False
            return
        if kinds != [UINT32, INT32, INT8] or len(flags) != 8:
            raise ValueError("the header of an array is damaged")
        self.name = named.decode("latin-1")
        self.is_wanted = self.name == name
        self._shape = _integers(shape, "i", order)
        if self.is_wanted:
            if self._flags & 0xFF not in NUMERIC_CLASSES:
                raise InputError(f"{path}: '{name}' holds something else than numbers.")
            image_size = (self._shape[0], self._shape[1])
            check_array(path, name, self._shape, image_size, np.dtype(complex))

    @property
    def most_bytes(self) -> int:
        """How many bytes the values of a wanted array have at most; 1 of another."""
        return math.prod(self._shape) * LARGEST_VALUE + HEAD if self.is_wanted else 1

    def check_values(self, body: bytes) -> None:
        """Checks the types and sizes of the real and the imaginary part."""
        position = self._position
        for _ in range((2 if self._flags & COMPLEX else 1) if self.is_wanted else 0):
            kind, start, end, position = self._element(body, position)
            expected = VALUE_BYTES.get(kind, -1) * math.prod(self._shape)
            if end - start != expected or end > len(body):
                raise ValueError("type or size of the values are damaged")

    def _element(self, body: bytes, position: int) -> tuple[int, int, int, int]:
        """Returns type, start and end of the element there, and where the next one begins."""
        kind, size = _integers(body[position : position + 8], "I", self._order)
        if kind >> 16:  # up to four bytes take the place of the size
            start, end = position + 4, position + 4 + (kind >> 16)
            return kind & 0xFFFF, start, end, position + 8
        start, end = position + 8, position + 8 + size
        return kind, start, end, end + -end % 8


def _integers(data: bytes, kind: str, order: str) -> tuple[int, ...]:
    """Returns 32-bit integers, two at least: "I" without and "i" with a sign."""
    if len(data) < 8 or len(data) % 4:
        raise ValueError("it ends early, or a size is damaged")
    return tuple(map(int, np.frombuffer(data, np.dtype(f"{order}{kind.replace('I', 'u')}4"))))
