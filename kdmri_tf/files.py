"""Folders for results, and the one writer: files and folders are whole or not there at all."""

import csv
import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from kdmri_tf.errors import InputError, causes

EARLIER = "earlier"  # what a folder is called while a new one takes its name

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM_IN_WORDS = ("No space left on device", "Disk quota exceeded")


def make_folder(path: Path, flag: str) -> None:
    """Makes a folder and tries to write there, before any work is done.

    Args:
        path: the folder, which may exist.
        flag: what names it, in words, such as "--run-dir; in code run_dir".

    Raises:
        InputError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"The folder {path} cannot be written to ({error.strerror}); choose another ({flag})."
        ) from error


def is_full_disk(error: BaseException) -> bool:
    """Tells whether an error comes of a disk that is full, or of a quota that is used up.

    HDF5, TensorFlow and its data sets have exceptions of their own for it, and put its words among
    others.

    Example:
        >>> is_full_disk(OSError(errno.EDQUOT, "Disk quota exceeded"))
        True
        >>> is_full_disk(RuntimeError("model.index; No space left on device"))
        True
    """
    return any(
        (isinstance(cause, OSError) and cause.errno in NO_ROOM)
        or any(words in str(cause) for words in NO_ROOM_IN_WORDS)
        for cause in causes(error)
    )


def printable(text: str) -> str:
    """Returns a path, or a text with paths, as UTF-8 can say it: other bytes are spelled out.

    Example:
        >>> print(printable(os.fsdecode(b"h\\xe4nsel.npy")))
        h\\xe4nsel.npy
    """
    return os.fsencode(text).decode("utf-8", "backslashreplace")


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """Yields where to write a file or a folder, which then takes the place of `path`.

    The place has the same name and suffix, in a hidden folder of its own beside `path`. After a
    kill or an exception, which passes through, either the earlier one or the new one is there, and
    whole. Only a folder needs two steps to be replaced: a kill between them leaves the earlier one
    in the hidden folder. The next call for the same path puts it back, and clears away whatever
    else killed processes left behind.

    Args:
        path: file or folder to make or to replace; its parent must exist.

    Yields:
        The path to write to, at which there is nothing yet.

    Raises:
        InputError: a file would take the place of a folder, and all that is in it.
        OSError: from the file system. Nothing has changed then, either.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "table.csv")) as place:
        ...         _ = place.write_text("a,b")
        ...     [path.name for path in Path(folder).iterdir()]
        ['table.csv']
    """
    path = Path(path)
    # Names have 255 bytes at most, and a letter may have four.
    name = os.fsencode(path.name)[:100].decode(errors="ignore")
    beginning = f".{name}.partial-{socket.gethostname()[:60]}-"
    _remove_leftovers(path, beginning)
    workshop = Path(tempfile.mkdtemp(prefix=f"{beginning}{os.getpid()}-", dir=path.parent))
    try:
        place = workshop / path.name
        yield place
        _to_disk(place)
        if place.is_file() and path.is_dir() and not path.is_symlink():
            raise InputError(f"{path} is a folder, which no file replaces: give another name.")
        if path.is_dir() and (place.is_dir() or not path.is_symlink()):
            path.rename(workshop / EARLIER)
            place.rename(path)
        else:
            place.replace(path)
    finally:
        _put_back(workshop, path)
        shutil.rmtree(workshop, ignore_errors=True)


def write_csv(path: str | PathLike[str], records: Iterable[Mapping[str, Any]]) -> None:
    """Writes one line per record, below a line of names, whole or not at all.

    Args:
        path: file to make or to replace; its parent must exist.
        records: name -> value; the columns are all names, in the order in which they first come,
            and None or a missing value is an empty cell.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_csv(Path(folder, "a.csv"), [{"psnr": 30.5}, {"psnr": 31.0, "seed": 1}])
        ...     print(Path(folder, "a.csv").read_text())
        psnr,seed
        30.5,
        31.0,1
        <BLANKLINE>
    """
    records = list(records)
    columns = list(dict.fromkeys(name for record in records for name in record))
    with replacing(path) as place, open(place, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(records)


def _to_disk(place: Path) -> None:
    """Flushes to the disk before names change: a power cut could otherwise undo the order."""
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())


def _put_back(workshop: Path, path: Path) -> None:
    """Gives an earlier folder its name back if no new one has taken it."""
    earlier = workshop / EARLIER
    if os.path.lexists(earlier) and not path.exists():
        earlier.rename(path)


def _remove_leftovers(path: Path, beginning: str) -> None:
    """Removes what processes of this computer left that no longer run."""
    for workshop in path.parent.glob(f"{_literal(beginning)}*"):
        process = workshop.name.removeprefix(beginning).partition("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            _put_back(workshop, path)
            shutil.rmtree(workshop, ignore_errors=True)


def _literal(name: str) -> str:
    """Returns a pattern that matches this name only."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _is_alive(process: int) -> bool:
    """Returns whether a process of this number runs, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
