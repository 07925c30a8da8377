"""Whether raw files are still those that a data set was prepared from."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

from tfds_builders.raw_volume import RawVolume, Splits

logger = logging.getLogger(__name__)

Fingerprint = dict[str, list[int | str]]


def fingerprint(splits: Splits, root: Path) -> Fingerprint:
    """Returns, for each raw file, its path below `root` -> [bytes, modified in ns, SHA-256]."""
    volumes = (volume for split in splits.values() for volume in split)
    return {
        name: entry
        for volume in volumes
        for name, entry in fingerprint_of_volume(volume, root).items()
    }


def fingerprint_of_volume(volume: RawVolume, root: Path) -> Fingerprint:
    """Returns what `fingerprint` does, for the files of one volume."""
    return {
        name: [*_size_and_time(path), _sha256(path)]
        for name, path in _named(volume.files, root).items()
    }


def describe_changes(before: Fingerprint, splits: Splits, root: Path) -> str:
    """Says what differs from a fingerprint; empty when nothing does.

    Files of the same size with another time stamp, such as copies, are the same if their contents
    are. Their time stamps are then put into the fingerprint.
    """
    files = _raw_files(splits, root)
    now = {name: _size_and_time(path) for name, path in files.items()}
    both = now.keys() & before.keys()
    modified = {name for name in both if now[name][0] != before[name][0]}
    touched = {name for name in both - modified if now[name][1] != before[name][1]}
    if touched:
        logger.info("Raw files with another time stamp: %d. Comparing contents.", len(touched))
    for name in touched:
        digest = before[name][2]
        if _sha256(files[name]) == digest:
            before[name] = [*now[name], digest]
        else:
            modified.add(name)
    differences = {
        "added": now.keys() - before.keys(),
        "removed": before.keys() - now.keys(),
        "modified": modified,
    }
    return ", ".join(
        f"{len(names)} {kind} (such as {min(names)})"
        for kind, names in differences.items()
        if names
    )


def _raw_files(splits: Splits, root: Path) -> dict[str, Path]:
    """Returns path below `root` -> path."""
    volumes = (volume for split in splits.values() for volume in split)
    return _named((path for volume in volumes for path in volume.files), root)


def _named(files: Iterable[Path], root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in files}


def _size_and_time(path: Path) -> tuple[int, int]:
    """Returns bytes and time in ns; zeros for a broken link, which the file's reader reports."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _sha256(path: Path) -> str:
    """Returns the digest in hexadecimal; empty for a file that its reader reports as unreadable."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
