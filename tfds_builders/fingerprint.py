"""Whether raw files are still those that a data set was prepared from."""

from pathlib import Path

from tfds_builders.layouts import Splits

Fingerprint = dict[str, list[int]]


def fingerprint(splits: Splits, root: Path) -> Fingerprint:
    """Return, for each raw file, its path below `root` -> [bytes, modification time in ns]."""
    found = {}
    for volumes in splits.values():
        for path in (path for volume in volumes for path in volume.files):
            status = path.stat()
            found[path.relative_to(root).as_posix()] = [status.st_size, status.st_mtime_ns]
    return found


def describe_changes(before: Fingerprint, now: Fingerprint) -> str:
    """Say in words what differs, each with a file as an example; empty when nothing does."""
    modified = {name for name in now.keys() & before.keys() if now[name] != before[name]}
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
