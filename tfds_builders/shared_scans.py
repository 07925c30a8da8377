"""Scans of the user's own that are in both splits, under whatever names."""

import logging
from collections import defaultdict
from pathlib import Path

from kdmri_tf.files import printable
from tfds_builders.fingerprint import Fingerprint
from tfds_builders.raw_volume import RawVolume, Splits

logger = logging.getLogger(__name__)


def report_shared_scans(full_name: str, splits: Splits, root: Path, raw_files: Fingerprint) -> None:
    """Warns of files of two splits that have the same contents.

    A warning alone, as who measures networks on a single scan has nothing else to train on.

    Args:
        full_name: data set and config, for the message.
        splits: the volumes.
        root: folder of the source.
        raw_files: their `fingerprint`.
    """
    places: dict[str, dict[str, str]] = defaultdict(dict)  # digest -> split -> file
    for split, volumes in splits.items():
        for path in (path for volume in volumes for path in _scans(volume)):
            name = path.relative_to(root).as_posix()
            size, _, digest = raw_files[name]
            if size and digest:  # else nothing that could be read: see its reader
                places[str(digest)].setdefault(split, printable(name))
    shared = [files for files in places.values() if len(files) > 1]
    if shared:
        logger.warning(
            "%s: scans that are both in training and in validation, by their contents: %d (such as "
            "%s). Results on these are better than on others.",
            *(full_name, len(shared), " and ".join(shared[0].values())),
        )


def _scans(volume: RawVolume) -> list[Path]:
    """Returns the files of a volume but for BART's headers, which are equal for equal shapes."""
    return [path for path in volume.files if path.suffix.lower() != ".hdr"]
