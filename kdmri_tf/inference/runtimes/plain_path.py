"""Paths for libraries that take some for patterns of file names, or only read UTF-8."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kdmri_tf.errors import InputError

PATTERN = set("*?[]") | ({"\\"} if os.sep == "/" else set())


def is_plain(path: Path | str) -> bool:
    """Tells whether every library finds this very path: UTF-8, and no pattern of TensorFlow's."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return not PATTERN & set(str(path))


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """Yields a path to the same file or folder that every library finds.

    That is the path itself or, where it has a `[`, `]`, `*`, `?` or backslash, which TensorFlow
    takes for patterns, or is not UTF-8, a link to it, which goes when this ends.

    Args:
        path: exists.

    Raises:
        InputError: there is no folder with a plain path for the link.
    """
    if is_plain(path):
        yield path
        return
    with plain_temporary_folder() as place:
        link = place / "link"
        link.symlink_to(path.absolute(), target_is_directory=path.is_dir())
        yield link


@contextmanager
def plain_temporary_folder() -> Iterator[Path]:
    """Yields a temporary folder whose path TensorFlow does not take for a pattern.

    Raises:
        InputError: there is none.
    """
    usual = tempfile.gettempdir()
    places = [place for place in (usual, "/tmp", "/var/tmp") if is_plain(place)]
    writable = [place for place in places if os.access(place, os.W_OK)]
    if not writable:
        raise InputError(
            f"TensorFlow takes the folder for temporary files, {usual}, for a pattern: set the "
            "environment variable TMPDIR to one without [, ], *, ? and backslash."
        )
    with tempfile.TemporaryDirectory(dir=writable[0]) as folder:
        yield Path(folder)
