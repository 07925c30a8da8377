"""Paths for TensorFlow, which takes some for patterns of file names."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kdmri_tf.errors import InputError

PATTERN = set("*?[]") | ({"\\"} if os.sep == "/" else set())


def is_plain(path: Path | str) -> bool:
    """Tells whether TensorFlow finds this very path: UTF-8, and no pattern."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return not PATTERN & set(str(path))


@contextmanager
def plain_path(folder: Path) -> Iterator[Path]:
    """Yields a path to a folder that TensorFlow does not take for a pattern.

    That is the folder itself or, where its path has a `[`, `]`, `*`, `?` or backslash or is not
    UTF-8, a link to it, which goes when this ends.

    Args:
        folder: exists.

    Raises:
        InputError: there is no folder with a plain path for the link.
    """
    if is_plain(folder):
        yield folder
        return
    with plain_temporary_folder() as place:
        link = place / "link"
        link.symlink_to(folder.absolute(), target_is_directory=True)
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
