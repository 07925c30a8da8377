"""Mixes many coils into a few virtual ones that keep most of the signal.

The virtual coils are the principal components of the coils' samples around the zero frequency,
where most of the signal is (Buehrer et al., MRM 57, 2007; Huang et al., MRI 26, 2008). The mixing
is the same for all slices and samples, so a measured sample stays one and masks stay as they are.
"""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError

CENTRE = 24  # samples along each axis


def compress_coils(
    kspace: NDArray[np.complexfloating], num_virtual: int
) -> tuple[NDArray[np.complex64], float]:
    """Returns k-space of virtual coils, in the order of their energy.

    `v = Q y` for each sample y of all coils; the rows of Q are the first right singular vectors
    of the centre of k-space, all slices together, see `virtual_coils`.

    Args:
        kspace: complex `(slices, coils, H, W)`, unshifted, undersampled or not.
        num_virtual: how many virtual coils; with as many as there are coils, nothing is lost.

    Returns:
        complex64 `(slices, num_virtual, H, W)`, and the share of the energy that they keep.

    Raises:
        InputError: as `virtual_coils`.

    Example:
        >>> coils = np.ones((1, 3, 8, 8)) * np.array([1, 2, 2j])[:, np.newaxis, np.newaxis]
        >>> compressed, share = compress_coils(coils, 1)  # they all see the same
        >>> compressed.shape, round(share, 6), round(abs(compressed[0, 0, 0, 0]).item(), 6)
        ((1, 1, 8, 8), 1.0, 3.0)
    """
    mixing = virtual_coils(centre_of(kspace), num_virtual)
    compressed = mix_coils(kspace, mixing)
    before, after = energy(kspace), energy(compressed)
    return compressed, min(after / before, 1.0) if before else 1.0


def centre_of(kspace: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    """Returns the lowest frequencies, 24 along each axis or what there is of them.

    Args:
        kspace: complex `(..., H, W)`, unshifted.

    Returns:
        complex `(..., h, w)`.
    """
    for axis in (-2, -1):
        length = kspace.shape[axis]
        half = min(CENTRE, length) // 2
        kspace = kspace.take(np.arange(-half, min(CENTRE, length) - half), axis)
    return kspace


def virtual_coils(centre: NDArray[np.complexfloating], num_virtual: int) -> NDArray[np.complex128]:
    """Returns how to mix coils: the first right singular vectors of their samples.

    Args:
        centre: complex `(slices, coils, h, w)`, see `centre_of`.
        num_virtual: how many virtual coils.

    Returns:
        complex128 `(num_virtual, coils)` with orthonormal rows, the one with the most energy first;
        the largest weight of each is real and positive, so that they are the same everywhere.

    Raises:
        InputError: more virtual coils than coils, or fewer than one.
    """
    coils = centre.shape[1]
    if not 1 <= num_virtual <= coils:
        raise InputError(
            f"{coils} coils cannot be compressed to {num_virtual}: choose 1 to {coils} virtual "
            "coils."
        )
    samples = np.moveaxis(centre, 1, -1).reshape(-1, coils).astype(np.complex128)
    samples /= np.abs(samples).max(initial=np.finfo(float).tiny)  # squares may vanish or overflow
    # Eigenvectors of the (coils, coils) covariance are the singular vectors of all samples.
    _, vectors = np.linalg.eigh(samples.T @ samples.conj())
    mixing = vectors.T.conj()[::-1][:num_virtual]
    largest = np.take_along_axis(mixing, np.abs(mixing).argmax(axis=1, keepdims=True), axis=1)
    return mixing * (largest.conj() / np.abs(largest))


def mix_coils(
    kspace: NDArray[np.complexfloating], mixing: NDArray[np.complexfloating]
) -> NDArray[np.complex64]:
    """Returns `mixing @ kspace` over the coils.

    Args:
        kspace: complex `(..., coils, H, W)`.
        mixing: `(virtual coils, coils)`.

    Returns:
        complex64 `(..., virtual coils, H, W)`.
    """
    return np.einsum("vc,...chw->...vhw", mixing, kspace, optimize=True).astype(np.complex64)


def energy(kspace: NDArray[np.complexfloating]) -> float:
    """Returns the sum of the squares of all samples, in float64."""
    return float(np.sum(np.square(np.abs(kspace), dtype=np.float64)))
