"""Which samples of k-space a file has measured: those that are not 0."""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.volume import KspaceVolume

# A whole line counts as measured if at least this share of its samples is there.
LINE_SHARE = 0.9


def measured_mask(volume: KspaceVolume) -> NDArray[np.float32]:
    """Returns the mask of an undersampled volume of one coil or of several; reads all slices.

    A sample is measured if it is not 0 in some coil of some slice. If that makes lines with hardly
    a gap, the gaps are filled in, as these samples are 0 by chance. A mask in the file itself says
    it better, but for lines of which nothing is there: zero-padding often counts as measured.

    Returns:
        float32 `(H, W)` of 0 and 1, unshifted.

    Raises:
        InputError: all samples are 0 or none is, a slice lacks samples that the others have, or
            there are samples where the file's own mask has none.
    """
    union = np.zeros(volume.image_size, bool)
    counts = np.zeros(volume.num_slices, int)
    lines = [np.zeros((volume.num_slices, length), bool) for length in volume.image_size]
    for index in range(volume.num_slices):
        samples = volume.samples(index)
        union |= samples
        counts[index] = samples.sum()
        for axis in (0, 1):
            lines[axis][index] = samples.any(axis=1 - axis)
    if not union.any():
        raise InputError(f"{volume.path} holds nothing but zeros.")
    mask = _whole_lines(union) if volume.mask is None else _stated(volume, union)
    different = counts < LINE_SHARE * union.sum()
    for axis in (0, 1):
        measured = mask.any(axis=1 - axis)
        if not measured.all():  # the phase-encode axis; zeros along a line are by chance
            different |= (lines[axis] != measured).any(axis=1)
    different &= counts > 0
    if different.any():
        raise InputError(
            f"{volume.path}: slice {different.argmax()} (the first is 0) lacks samples that other "
            "slices have; split the file so that all slices of a file share one mask."
        )
    if mask.all():
        raise InputError(
            f"{volume.path} is fully sampled: add --acc 4 to undersample it (in code "
            "acceleration=4)."
        )
    return mask.astype(np.float32)


def _stated(volume: KspaceVolume, samples: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the mask that a file has, without the lines along H that hold nothing."""
    mask = np.zeros_like(samples) if volume.mask is None else volume.mask
    outside = np.count_nonzero(samples & ~mask)
    if outside:
        raise InputError(
            f"{volume.path} has {outside:,} samples other than 0 where its 'mask' says that "
            "nothing was measured: remove the mask, or multiply the k-space by it."
        )
    return mask & samples.any(axis=0)


def _whole_lines(samples: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the samples, with the gaps filled if there are measured lines and empty ones."""
    for axis in (0, 1):
        lines = samples.any(axis=1 - axis)
        if not lines.all() and samples.compress(lines, axis).mean() >= LINE_SHARE:
            return np.broadcast_to(np.expand_dims(lines, 1 - axis), samples.shape)
    return samples if samples.mean() < LINE_SHARE else np.ones_like(samples)
