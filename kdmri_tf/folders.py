"""Folders for results."""

import tempfile
from pathlib import Path

from kdmri_tf.errors import InputError


def make_folder(path: Path, flag: str) -> None:
    """Makes a folder, or sees that files can be written there, before any work is done.

    Args:
        path: the folder.
        flag: of the command line that names it.

    Raises:
        InputError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"The folder {path} cannot be written to ({error.strerror}); give another ({flag})."
        ) from error
