"""Images or k-space in a file, read slice by slice."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import combined_coils, images_of_kspace, unshifted_kspace
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
        slice_name: index -> what to call the slice in a message, counted from 0.
    """

    path: Path
    num_slices: int
    image_size: tuple[int, int]
    grid: VoxelGrid
    read_slice: Callable[[int], NDArray]
    slice_name: Callable[[int], str] = "slice {}".format

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
        """Returns a slice `([coils,] H, W)` unless it holds NaN or infinity."""
        finite = np.isfinite(array)
        if not finite.all():
            coil = f" of coil {finite.all(axis=(1, 2)).argmin()}" if array.ndim == 3 else ""
            raise InputError(
                f"{self.path} contains NaN or infinity in {self.slice_name(index)}{coil} (the "
                "first is 0); replace these values or leave the slice out."
            )
        return array


def names_of_frames(num_frames: int) -> Callable[[int], str]:
    """Returns what to call the slices of a film: all frames of slice 0, then those of slice 1.

    Example:
        >>> names_of_frames(12)(17), names_of_frames(1)(17)
        ('slice 1, frame 5', 'slice 17')
    """

    def name(index: int) -> str:
        position, frame = divmod(index, num_frames)
        return f"slice {position}" if num_frames == 1 else f"slice {position}, frame {frame}"

    return name


@dataclass(frozen=True)
class KspaceVolume(ImageVolume):
    """Reads k-space of one or several coils from a file.

    The readout runs along H and the phase encode along W where the format says which is which.

    Attributes:
        num_coils: how many; slices are `(H, W)` or `(num_coils, H, W)`.
        centered: whether the zero frequency is at `(H // 2, W // 2)` and the centre of the image at
            the same index, as in fastMRI; otherwise both are unshifted. Unitary either way.
        mask: which samples the file says it measured, bool `(H, W)`, unshifted; None if it leaves
            that to the samples.
        readout_rows: how many rows of the image its header keeps, in the middle, where the readout
            is oversampled; None if it does not say. See `crop_readout`.
    """

    num_coils: int = 1
    centered: bool = True
    mask: NDArray[np.bool_] | None = None
    readout_rows: int | None = None

    def check(self) -> None:
        """Checks that the frequencies and the image of the middle slice are where they should be.

        Raises:
            InputError: as `check_convention` and `stored`, or there are more coils than pixels
                along a side of the image: the axes are in another order.
        """
        if self.num_coils > min(self.image_size):
            height, width = self.image_size
            raise InputError(
                f"{self.path} would have {self.num_coils} coils of {height}x{width} pixels: its "
                "axes must be in another order, the last two those of the image and the coils "
                "before them; reorder them."
            )
        index = self.num_slices // 2
        kspace = self._coils(index)
        check_convention(kspace, self.centered, self.path, index)
        warn_of_rolled_image(combined_coils(self._images(kspace)), self.path, index)

    def kspace(self, index: int) -> NDArray[np.complex64]:
        """Returns the k-space of a slice in the convention of the whole package.

        Unshifted and ortho: `fft2(image)`, zero frequency at [0, 0]. Samples that are 0 in the
        file are 0. This is the one place where centred k-space is converted.

        Returns:
            complex64 `(coils, H, W)`, in the units of the file.

        Raises:
            InputError: as `stored`, values that complex64 cannot hold, or a coil without any
                signal among others that have some.
        """
        stored = self._coils(index)
        unshifted = unshifted_kspace(stored) if self.centered else stored
        with np.errstate(over="ignore"):
            kspace = self._finite(unshifted.astype(np.complex64), index)
        has_signal = kspace.any(axis=(1, 2))
        if has_signal.any() and not has_signal.all():
            raise InputError(
                f"{self.path}: coil {has_signal.argmin()} of {self.slice_name(index)} is empty, "
                "all its samples are 0; leave this coil out of the file."
            )
        return kspace

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
        refuse_gaps(self._measured(kspace), self.path, self.slice_name(index))
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
