"""Scans of the user's own that are in both splits, under whatever names."""

from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from tfds_builders.fingerprint import Fingerprint
from tfds_builders.raw_volume import RawVolume, Splits


def refuse_shared_scans(splits: Splits, root: Path, raw_files: Fingerprint) -> None:
    """Raises an InputError if files of two splits have the same contents.

    Official sets are left as they are; this is for the user's own.

    Args:
        splits: the volumes.
        root: folder of the source.
        raw_files: their `fingerprint`.
    """
    first: dict[str, tuple[str, Path]] = {}  # digest -> where it was found first
    for split, volumes in splits.items():
        for path in (path for volume in volumes for path in _scans(volume)):
            name = path.relative_to(root).as_posix()
            size, _, digest = raw_files[name]
            if not size or not digest:  # nothing that could be read: see its reader
                continue
            earlier, twin = first.setdefault(str(digest), (split, path))
            if earlier != split:
                raise InputError(
                    f"{printable(str(twin))} and {printable(str(path))} are the same scan, once "
                    f"for {earlier} and once for {split}, so that results would be too good: "
                    "remove one of the two."
                )


def _scans(volume: RawVolume) -> list[Path]:
    """Returns the files of a volume but for BART's headers, which are equal for equal shapes."""
    return [path for path in volume.files if path.suffix.lower() != ".hdr"]
