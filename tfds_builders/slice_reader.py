"""From a raw volume to the examples that are stored, with nothing else in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from tfds_builders.kspace_slices import coil_images
from tfds_builders.raw_volume import RawVolume
from tfds_builders.slices import center_crop_or_pad, is_blank, normalize

Result = TypeVar("Result")


@dataclass
class VolumeReport:
    """Collects what there is to say about a volume beside its slices.

    Attributes:
        slices: how many there are.
        blank_slices: how many are left out as they show nothing.
        unreadable: why parts of the volume are left out, a sentence each.
        kspace: the `CoilImages.facts`; None of images, and where nothing could be read.
        size: (height, width) of the images before they are cropped or padded; None where nothing
            could be read.
    """

    slices: int = 0
    blank_slices: int = 0
    unreadable: list[str] = field(default_factory=list)
    kspace: dict[str, Any] | None = None
    size: list[int] | None = None


@dataclass(frozen=True)
class SliceReader:
    """Reads volumes as a config asks for; can be sent to another process.

    Attributes:
        image_size: (height, width) in pixels.
        coils: of how many virtual coils k-space is wanted; None for magnitude images.
        skip_unreadable: leave out files that cannot be read, instead of raising an InputError.
    """

    image_size: tuple[int, int]
    coils: int | None = None
    skip_unreadable: bool = False

    @property
    def feature(self) -> str:
        """What the array of an example is called."""
        return "image" if self.coils is None else "kspace"

    def examples(self, volume: RawVolume, report: VolumeReport) -> Iterator[dict[str, Any]]:
        """Yields the examples of a volume in their order, and writes the report.

        Raises:
            InputError: a part cannot be read, unless these are skipped.
        """
        slices = self._images if self.coils is None else self._kspace
        for index, content in slices(volume, report):
            if content is None:
                report.blank_slices += 1
                continue
            report.slices += 1
            yield {self.feature: content, "slice": index, "volume": volume.name}

    def _images(
        self, volume: RawVolume, report: VolumeReport
    ) -> Iterator[tuple[int, NDArray[np.float32] | None]]:
        """Yields (index, image), with one part of the volume in memory at a time."""
        for first, read in volume.readers.items():
            images = self._unless_unreadable(read, report)
            for index, raw_image in enumerate(() if images is None else images, start=first):
                report.size = list(raw_image.shape)
                image = center_crop_or_pad(raw_image, self.image_size)
                yield index, None if is_blank(image) else normalize(image)[..., np.newaxis]

    def _kspace(
        self, volume: RawVolume, report: VolumeReport
    ) -> Iterator[tuple[int, NDArray[np.float32] | None]]:
        """Yields (index, k-space), with the volume in memory."""

        def attempt(read: Callable[[], Result]) -> Result | None:
            return self._unless_unreadable(read, report)

        assert self.coils is not None
        found = coil_images(volume, self.coils, self.image_size, attempt)
        if found is not None:
            report.kspace, report.size = found.facts, found.facts["cropped"]
            yield from found.kspace()

    def _unless_unreadable(self, read: Callable[[], Result], report: VolumeReport) -> Result | None:
        """Returns what a function reads, or notes that it cannot and returns None."""
        try:
            return read()
        except InputError as error:
            if not self.skip_unreadable:
                raise
            report.unreadable.append(printable(str(error)))
            return None
