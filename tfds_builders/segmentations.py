"""Segmentations beside the user's own images, known by their names."""

import re

from tfds_builders.raw_volume import Splits

NAME = re.compile(r"(.+)[-_.](seg|segmentation|labels?|mask|gt)", re.IGNORECASE)


def segmentations(splits: Splits) -> list[str]:
    """Lists volumes that are named as another one of their split, and as its segmentation.

    Returns:
        `<split>/<name>` of each.

    Example:
        >>> from tfds_builders.raw_volume import RawVolume
        >>> names = ["p1", "p1_seg", "p2-mask"]
        >>> segmentations({"train": [RawVolume(name, name, {}) for name in names]})
        ['train/p1_seg']
    """
    found = []
    for split, volumes in splits.items():
        names = {volume.name for volume in volumes}
        for volume in volumes:
            match = NAME.fullmatch(volume.name)
            if match and match[1] in names:
                found.append(f"{split}/{volume.name}")
    return found
