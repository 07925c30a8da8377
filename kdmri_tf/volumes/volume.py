"""Images or k-space in a file, read slice by slice."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import combined_coils, images_of_kspace
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.kspace_convention import check_convention, warn_of_rolled_image
from kdmri_tf.volumes.kspace_gaps import refuse_gaps
from kdmri_tf.volumes.reading import magnitude_of, reading

# Interpolation makes a few values slightly negative; normalisation to mean 0 does it to half.
NEGATIVE_SHARE = 0.05


@dataclass(frozen=True)
class ImageVolume:
    """Reads fully sampled images from a file.

    Attributes:
        path: the file.
        num_slices: how many slices it has.
        image_size: (H, W).
        grid: where the voxels lie.
        read_slice: index -> the slice as it is in the file, real or complex.
    """

    path: Path
    num_slices: int
    image_size: tuple[int, int]
    grid: VoxelGrid
    read_slice: Callable[[int], NDArray]

    def stored(self, index: int) -> NDArray:
        """Returns a slice as it is in the file.

        Raises:
            InputError: the file is damaged there, or the slice holds NaN or infinity.
        """
        with reading(self.path, way_out=""):
            array = np.asarray(self.read_slice(index))
        return self._finite(array, index)

    def magnitude(self, index: int) -> NDArray[np.float32]:
        """Returns the image of a slice, float32 `(H, W)`, in the units of the file.

        Raises:
            InputError: as `stored`; values too large for float32 count as infinity.
        """
        return self._finite(magnitude_of(self.stored(index)), index)

    def check(self) -> None:
        """Checks the middle slice, and warns of negative values: their magnitude is rarely meant.

        Raises:
            InputError: as `stored`.
        """
        index = self.num_slices // 2
        image = self.stored(index)
        if not np.iscomplexobj(image) and -float(image.min()) > NEGATIVE_SHARE * image.max():
            warnings.warn(
                f"{self.path} has negative values in slice {index} (down to {image.min():.4g}), "
                "and their magnitude is used. If the images were normalised to mean 0, undo that.",
                stacklevel=2,
            )

    def _finite(self, array: NDArray, index: int) -> NDArray:
        """Returns a slice unless it holds NaN or infinity."""
        if not np.isfinite(array).all():
            raise InputError(
                f"{self.path} contains NaN or infinity in slice {index} (the first is 0); replace "
                "these values or leave the slice out."
            )
        return array


@dataclass(frozen=True)
class KspaceVolume(ImageVolume):
    """Reads k-space of one or several coils from a file.

    Attributes:
        num_coils: how many; slices are `(H, W)` or `(num_coils, H, W)`.
        centered: whether the zero frequency is at `(H // 2, W // 2)` and the centre of the image at
            the same index, as in fastMRI; otherwise both are unshifted. Unitary either way.
    """

    num_coils: int = 1
    centered: bool = True

    def check(self) -> None:
        """Checks that the frequencies and the image of the middle slice are where they should be.

        Raises:
            InputError: as `check_convention` and `stored`.
        """
        index = self.num_slices // 2
        kspace = self._coils(index)
        check_convention(kspace, self.centered, self.path, index)
        warn_of_rolled_image(combined_coils(self._images(kspace)), self.path, index)

    def coil_images(self, index: int) -> NDArray[np.complexfloating]:
        """Returns the complex images of a slice, `(coils, H, W)`, aliased or not.

        Raises:
            InputError: as `stored`.
        """
        return self._images(self._coils(index))

    def magnitude(self, index: int) -> NDArray[np.float32]:
        """Returns the root sum of squares of the coil images, float32 `(H, W)`.

        Raises:
            InputError: as `stored`, or the slice is undersampled: more samples are 0 in all coils
                than `refuse_gaps` lets pass.
        """
        kspace = self._coils(index)
        refuse_gaps(self._measured(kspace), self.path, index)
        return self._finite(magnitude_of(combined_coils(self._images(kspace))), index)

    def samples(self, index: int) -> NDArray[np.bool_]:
        """Returns where any coil has a sample other than 0, bool `(H, W)`, unshifted.

        Raises:
            InputError: as `stored`.
        """
        return self._measured(self._coils(index))

    def _coils(self, index: int) -> NDArray[np.complexfloating]:
        return self.stored(index).reshape(-1, *self.image_size)

    def _images(self, kspace: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
        return images_of_kspace(kspace) if self.centered else np.fft.ifft2(kspace, norm="ortho")

    def _measured(self, kspace: NDArray[np.complexfloating]) -> NDArray[np.bool_]:
        samples = (kspace != 0).any(axis=0)
        return np.fft.ifftshift(samples) if self.centered else samples
