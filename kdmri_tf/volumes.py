"""Images or k-space in a file, read slice by slice."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.voxel_grid import VoxelGrid
from tfds_builders.raw_volume import reading

IN_PLANE = (-2, -1)
DAMAGED = "It seems to be damaged."


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
        with reading(self.path, DAMAGED):
            array = np.asarray(self.read_slice(index))
        if not np.isfinite(array).all():
            raise InputError(
                f"{self.path}: slice {index} (the first is 0) holds NaN or infinity; replace these "
                "values or leave the slice out."
            )
        return array

    def magnitude(self, index):
        """The image of a slice, float32 `(H, W)`, in the units of the file; errors as `stored`."""
        array = self.stored(index)
        # The magnitude of the lowest integer would overflow.
        return np.abs(array if np.iscomplexobj(array) else np.float64(array)).astype(np.float32)


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

    def coil_images(self, index):
        """Complex images of a slice, `(coils, H, W)`; errors as `stored`."""
        kspace = self._coils(index)
        if not self.centered:
            return np.fft.ifft2(kspace, norm="ortho")
        image = np.fft.ifft2(np.fft.ifftshift(kspace, axes=IN_PLANE), norm="ortho")
        return np.fft.fftshift(image, axes=IN_PLANE)

    def magnitude(self, index):
        """The root sum of squares of the coil images, float32 `(H, W)`; errors as `stored`."""
        return np.linalg.norm(self.coil_images(index), axis=0).astype(np.float32)

    def samples(self, index):
        """Where any coil has a sample other than 0, bool `(H, W)`, unshifted; as `stored`."""
        samples = (self._coils(index) != 0).any(axis=0)
        return np.fft.ifftshift(samples) if self.centered else samples

    def _coils(self, index):
        return self.stored(index).reshape(-1, *self.image_size)
