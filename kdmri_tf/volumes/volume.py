"""Images or k-space in a file, read slice by slice."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import combined_coils, images_of_kspace
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.kspace_convention import check_convention, warn_of_rolled_image
from kdmri_tf.volumes.measured_samples import refuse_gaps
from kdmri_tf.volumes.reading import magnitude_of, reading

# Interpolation makes values slightly negative, normalisation to mean 0 makes half of them so.
NEGATIVE_SHARE = 0.05


@dataclass(frozen=True)
class ImageVolume:
    """Fully sampled images in a file.

    Attributes:
        path: the file.
        num_slices: how many.
        image_size: (H, W).
        grid: where the voxels lie.
        read_slice: index -> the slice as the file has it, real or complex.
    """

    path: Path
    num_slices: int
    image_size: tuple[int, int]
    grid: VoxelGrid
    read_slice: Callable[[int], np.ndarray]

    def stored(self, index):
        """A slice as the file has it.

        Raises:
            InputError: the file is damaged there, or the slice holds NaN or infinity.
        """
        with reading(self.path, way_out=""):
            array = np.asarray(self.read_slice(index))
        return self._finite(array, index)

    def magnitude(self, index):
        """The image of a slice, float32 `(H, W)`, in the units of the file.

        Raises:
            InputError: as `stored`; values that float32 cannot hold are infinity.
        """
        return self._finite(magnitude_of(self.stored(index)), index)

    def check(self):
        """Looks at the middle slice, whether values and frequencies are where they should be.

        Warns of images with negative values, whose magnitude is rarely what is meant.

        Raises:
            InputError: k-space whose zero frequency is elsewhere, or as `stored`.
        """
        index = self.num_slices // 2
        image = self.stored(index)
        if not np.iscomplexobj(image) and -float(image.min()) > NEGATIVE_SHARE * image.max():
            warnings.warn(
                f"{self.path} has negative values in slice {index} (down to {image.min():.4g}), of "
                "which the magnitude is taken: if it was normalised to mean 0, undo that.",
                stacklevel=2,
            )

    def _finite(self, array, index):
        if not np.isfinite(array).all():
            raise InputError(
                f"{self.path} contains NaN or infinity in slice {index} (the first is 0); replace "
                "these values or leave the slice out."
            )
        return array


@dataclass(frozen=True)
class KspaceVolume(ImageVolume):
    """k-space in a file, of one coil or of several.

    Attributes:
        num_coils: that slices have; they are `(H, W)` or `(num_coils, H, W)`.
        centered: zero frequency at `(H // 2, W // 2)` and the image centre at the same index, as
            in fastMRI; else both FFTs are unshifted. Unitary either way.
    """

    num_coils: int = 1
    centered: bool = True

    def check(self):
        """Looks at the middle slice: whether its frequencies and image are where they should be.

        Raises:
            InputError: as `check_convention` and `stored`.
        """
        index = self.num_slices // 2
        kspace = self._coils(index)
        check_convention(kspace, self.centered, self.path, index)
        warn_of_rolled_image(combined_coils(self._images(kspace)), self.path, index)

    def coil_images(self, index):
        """Complex images of a slice, `(coils, H, W)`, aliased or not; errors as `stored`."""
        return self._images(self._coils(index))

    def magnitude(self, index):
        """The root sum of squares of the coil images, float32 `(H, W)`.

        Raises:
            InputError: as `stored`, or the slice is undersampled, as for `refuse_gaps`: samples
                are 0 in all coils.
        """
        kspace = self._coils(index)
        refuse_gaps(self._measured(kspace), self.path, index)
        return self._finite(magnitude_of(combined_coils(self._images(kspace))), index)

    def samples(self, index):
        """Where any coil has a sample other than 0, bool `(H, W)`, unshifted; as `stored`."""
        return self._measured(self._coils(index))

    def _coils(self, index):
        return self.stored(index).reshape(-1, *self.image_size)

    def _images(self, kspace):
        return images_of_kspace(kspace) if self.centered else np.fft.ifft2(kspace, norm="ortho")

    def _measured(self, kspace):
        samples = (kspace != 0).any(axis=0)
        return np.fft.ifftshift(samples) if self.centered else samples
