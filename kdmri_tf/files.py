"""Folders for results, and the one writer: a file or a folder is there whole or not at all."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kdmri_tf.errors import InputError

EARLIER = "earlier"  # what a folder that is being replaced was called by its leftovers


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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields where to write a file or a folder that then takes the place of `path`.

    The place has the same name and suffix, in a folder of its own beside `path`. A kill at any
    moment leaves the earlier one or the new one, whole; so does an exception, which passes through.
    What a killed process left behind goes with the next call for the same path.

    Args:
        path: file or folder to make or to replace; its parent must be there.

    Raises:
        OSError: of the file system; nothing has changed then.

    Example::

        with replacing(Path("table.csv")) as place:
            place.write_text("a,b\\n")
    """
    path = Path(path)
    beginning = f".{path.name[:100]}.partial-{socket.gethostname()[:60]}-"
    _remove_leftovers(path, beginning)
    workshop = Path(tempfile.mkdtemp(prefix=f"{beginning}{os.getpid()}-", dir=path.parent))
    try:
        place = workshop / path.name
        yield place
        _to_disk(place)
        if path.is_dir() and (place.is_dir() or not path.is_symlink()):
            path.rename(workshop / EARLIER)
            place.rename(path)
        else:
            place.replace(path)
    finally:
        _put_back(workshop, path)
        shutil.rmtree(workshop, ignore_errors=True)


def _to_disk(place: Path) -> None:
    """Sees that a file is on the disk before it gets its name: a power cut may undo the order."""
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())


def _put_back(workshop: Path, path: Path) -> None:
    """Gives an earlier folder its name again where no new one has taken it."""
    earlier = workshop / EARLIER
    if os.path.lexists(earlier) and not path.exists():
        earlier.rename(path)


def _remove_leftovers(path: Path, beginning: str) -> None:
    """Removes what processes of this computer left that are no more."""
    for workshop in path.parent.glob(f"{_literal(beginning)}*"):
        process = workshop.name.removeprefix(beginning).partition("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            _put_back(workshop, path)
            shutil.rmtree(workshop, ignore_errors=True)


def _literal(name: str) -> str:
    """A name as a pattern that matches it alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
