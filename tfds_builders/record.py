"""What the metadata of a data set say, written down volume by volume."""

import hashlib
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from tfds_builders.raw_volume import RawVolume
from tfds_builders.slice_reader import VolumeReport

logger = logging.getLogger(__name__)

OWN_SOURCES = ("folder", "folder_kspace")


@dataclass
class SplitFacts:
    """Adds up the volumes of a split.

    Attributes:
        slices: how many are left.
        blank_slices: how many are left out.
        patients: of the volumes of which a slice is left.
        sizes: (height, width) of these, before they were cropped or padded.
        digest: SHA-256 of the images or k-space, one after the other.
    """

    slices: int = 0
    blank_slices: int = 0
    patients: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, list[int]] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, volume: RawVolume, report: VolumeReport) -> None:
        """Adds a volume, but for its digest."""
        self.slices += report.slices
        self.blank_slices += report.blank_slices
        if report.slices and report.size:
            self.patients[volume.name] = volume.patient
            self.sizes[volume.name] = report.size

    def metadata(self) -> dict[str, Any]:
        """Returns the entry of the split in the metadata."""
        return {
            "volumes": len(self.patients),
            "slices": self.slices,
            "blank_slices": self.blank_slices,
            "patients": self.patients,
            "sha256": self.digest.hexdigest(),
        }


class Record:
    """Writes down, and logs, what comes of volumes and splits.

    Args:
        metadata: of the data set; has the entries `source`, `image_size`, `splits`,
            `skipped_files` and, with coils, `kspace`.
        full_name: data set and config, for messages.
    """

    def __init__(self, metadata: MutableMapping[str, Any], full_name: str) -> None:
        self.metadata = metadata
        self.full_name = full_name

    def add_volume(self, facts: SplitFacts, volume: RawVolume, report: VolumeReport) -> None:
        """Adds a volume to its split; to be called in the order of the volumes."""
        if volume.note:
            logger.warning("%s: %s.", self.full_name, printable(volume.note))
        for reason in report.unreadable:
            logger.warning("Skipped: %s", reason)
        self.metadata["skipped_files"].extend(report.unreadable)
        if report.kspace is not None:
            self.metadata["kspace"][volume.name] = report.kspace
        facts.add(volume, report)

    def end_split(self, split: str, facts: SplitFacts) -> None:
        """Adds a split.

        Raises:
            InputError: it is empty.
        """
        if facts.slices == 0:
            raise InputError(
                f"{self.full_name} has no slices left for {split} (blank slices: "
                f"{facts.blank_slices}, unreadable files skipped: "
                f"{len(self.metadata['skipped_files'])}). Check the raw files."
            )
        self.metadata["splits"][split] = facts.metadata()
        if self.metadata["source"] in OWN_SOURCES:  # official sets have the size of their papers
            self._report_cropping(split, facts)

    def _report_cropping(self, split: str, facts: SplitFacts) -> None:
        """Warns of volumes that lose their borders, of which the user may know nothing."""
        size = self.metadata["image_size"]
        larger = {
            name: own
            for name, own in facts.sizes.items()
            if any(length > kept for length, kept in zip(own, size, strict=True))
        }
        if not larger:
            return
        name, own = next(iter(larger.items()))
        logger.warning(
            "%s: cropped to %dx%d, volumes of %s: %d of %d (such as %s, %dx%d). Another size: "
            "--image-size H W; in code image_size.",
            *(self.full_name, *size, split, len(larger), len(facts.sizes), name, *own),
        )
