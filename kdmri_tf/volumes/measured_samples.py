"""Which samples a file of k-space measured: those that are not 0."""

import numpy as np

from kdmri_tf.errors import InputError

# Of a line's samples, at least so many must be there for the whole line to count as measured.
LINE_SHARE = 0.9
# Of the samples between measured ones. A line or two may be lost without harm.
LARGEST_GAP_SHARE = 0.1


def measured_mask(volume):
    """The mask of an undersampled volume of one coil, from its zeros; reads all slices.

    A sample is measured if it is not 0 in any slice. Where this gives lines with hardly a gap,
    samples that are 0 by chance are filled in.

    Args:
        volume: `KspaceVolume`.

    Returns:
        float32 `(H, W)` of 0 and 1, unshifted.

    Raises:
        InputError: all samples are 0 or none is, there are several coils, or a slice has other
            samples than the rest.
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
    mask = _whole_lines(union)
    different = counts < LINE_SHARE * union.sum()
    for axis in (0, 1):
        measured = mask.any(axis=1 - axis)
        if not measured.all():  # the phase-encode axis; zeros along a line are by chance
            different |= (lines[axis] != measured).any(axis=1)
    different &= counts > 0
    if different.any():
        raise InputError(
            f"{volume.path}: slice {different.argmax()} (the first is 0) lacks samples that other "
            "slices have; split the file, so that all slices of a file have one mask."
        )
    if mask.all():
        raise InputError(f"{volume.path} is fully sampled: add --acc 4 to undersample it.")
    if volume.num_coils != 1:
        raise InputError(
            f"{volume.path} is undersampled and has {volume.num_coils} coils; combine the coils "
            "first, as the networks take one."
        )
    return mask.astype(np.float32)


def refuse_gaps(samples, path, index):
    """Refuses a slice whose image would be aliased.

    Args:
        samples: bool `(H, W)`, unshifted, true where measured.
        path: of its file.
        index: of the slice.

    Raises:
        InputError: of the samples between measured ones, see `gap_share`, more than a tenth are
            missing.
    """
    gaps = gap_share(samples)
    if gaps > LARGEST_GAP_SHARE:
        raise InputError(
            f"{path}: slice {index} (the first is 0) is undersampled, {gaps:.0%} of its samples "
            "between measured ones are 0, and its image is aliased; give fully sampled k-space, "
            "or reconstruct it as it is, without --acc and --mask."
        )


def gap_share(samples):
    """Share of the samples between measured ones that are missing: what makes an image alias.

    Between: with measured samples on both sides along H or along W. Zeros at the edges of k-space,
    as of zero-padding or partial Fourier, are no gaps; they only lower the resolution.

    Args:
        samples: bool `(H, W)`, unshifted, true where measured.

    Returns:
        0 to 1; 0 if nothing is measured.
    """
    samples = np.fft.fftshift(samples)
    between = np.zeros_like(samples)
    for axis in (0, 1):
        before = np.logical_or.accumulate(samples, axis)
        after = np.flip(np.logical_or.accumulate(np.flip(samples, axis), axis), axis)
        between |= before & after
    return 1 - samples.sum() / max(between.sum(), 1) if samples.any() else 0.0


def _whole_lines(samples):
    """The samples, and all others of the same lines if there are measured lines and empty ones."""
    for axis in (0, 1):
        lines = samples.any(axis=1 - axis)
        if not lines.all() and samples.compress(lines, axis).mean() >= LINE_SHARE:
            return np.broadcast_to(np.expand_dims(lines, 1 - axis), samples.shape)
    return samples if samples.mean() < LINE_SHARE else np.ones_like(samples)
