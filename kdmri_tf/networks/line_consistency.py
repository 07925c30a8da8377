"""What a measurement of whole lines brings to data consistency, in real arithmetic.

For runtimes that know neither FFTs nor complex or float64 numbers. The inverse FFT of y is
(C + iS)_H y (C + iS)_W / sqrt(H W), C(j, k) = cos(2 pi j k / N) and S(j, k) = sin(2 pi j k / N)
the matrices of each axis: at the sizes of slices, a few hundredths of a network's work.
"""

import math
from collections.abc import Iterator, Sequence

import tensorflow as tf

from kdmri_tf.physics.fourier import circulant, dft_matrix

Basis = Sequence[tf.Tensor]  # cosines and sines, as `dft_matrix` gives them


def measure_lines(
    kspace: tf.Tensor, mask: tf.Tensor, weight: float, axis: int
) -> dict[str, tf.Tensor]:
    """Computes `DataConsistency.measure` for masks of whole lines.

    Another mask gives NaN throughout rather than a wrong image.

    Args:
        kspace: float32 `(batch, H, W, 2)`.
        mask: float32 `(batch, H, W)`.
        weight: w of `DataConsistency`.
        axis: phase-encode axis, 0 where rows are measured, 1 where columns are.

    Returns:
        "magnitude" and "measured_image", float32 `(batch, H, W)`, and the circulant "matrix",
        `(batch, N, N)` for N lines, all as `DataConsistency.correct` takes them.
    """
    lines, bases, refusal = lines_of(mask, axis)
    real, imaginary = inverse_fft_of_lines(kspace * mask[..., tf.newaxis], lines, bases, axis)
    cosines, _ = bases[axis]
    scale = tf.cast(tf.shape(lines)[1], tf.float32)
    column = tf.linalg.matmul(1 - weight * lines, cosines) / scale
    return {
        "magnitude": tf.sqrt(real**2 + imaginary**2) + refusal,
        "measured_image": weight * real + refusal,
        "matrix": circulant(column),
    }


def lines_of(mask: tf.Tensor, axis: int) -> tuple[tf.Tensor, tuple[Basis, Basis], tf.Tensor]:
    """Takes a mask apart.

    Args:
        mask: float32 `(batch, H, W)`.
        axis: phase-encode axis.

    Returns:
        Its lines `(batch, N)`; the `dft_matrix` of height and width; and what to add to an image:
        0, or NaN where the mask is not of whole lines along that axis.
    """
    across = 2 - axis  # the readout axis of `(batch, H, W)`
    lines = tf.gather(mask, 0, axis=across)
    deviation = tf.reduce_max(tf.abs(mask - tf.expand_dims(lines, across)))
    refusal = tf.where(deviation > 0, math.nan, 0.0)
    zero = tf.cast(tf.minimum(lines[0, 0], 0), tf.int32)  # for the runtime to find out
    height, width = _image_size(mask)
    return lines, (dft_matrix(height, zero), dft_matrix(width, zero)), refusal


def inverse_fft_of_lines(
    kspace: tf.Tensor, lines: tf.Tensor, bases: tuple[Basis, Basis], axis: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes real and imaginary part of F^-1 y, each `(batch, H, W)`, y 0 outside the lines.

    Multiplies by the block matrix (C, -S; S, C) once for each axis, first along the readout, where
    both parts alternate in memory and need not be taken apart.
    """
    phase_encode_basis, (cosines, sines) = bases[axis], bases[1 - axis]
    if kspace.shape[1 + axis] is None:  # LiteRT knows its sizes, and wants no others in between
        kspace, phase_encode_basis = _without_empty_lines(kspace, lines, phase_encode_basis, axis)
    if axis == 1:
        kspace = tf.transpose(kspace, (0, 2, 1, 3))
    count, length = _image_size(kspace)
    size = tf.cast(tf.shape(lines)[1] * length, tf.float32)
    blocks = [tf.concat([cosines, sines], axis=1), tf.concat([-sines, cosines], axis=1)]
    matrix = tf.reshape(tf.stack(blocks, axis=1), (2 * length, 2 * length))
    along_readout = tf.linalg.matmul(tf.reshape(kspace, (-1, count, 2 * length)), matrix)
    stacked = tf.concat(tf.split(along_readout, 2, axis=2), axis=1)
    cosines, sines = phase_encode_basis
    blocks = [tf.concat([cosines, -sines], axis=1), tf.concat([sines, cosines], axis=1)]
    image = tf.linalg.matmul(tf.concat(blocks, axis=0) * tf.math.rsqrt(size), stacked)
    if axis == 1:
        image = tf.transpose(image, (0, 2, 1))
    return tf.split(image, 2, axis=1 + axis)


def _without_empty_lines(
    kspace: tf.Tensor, lines: tf.Tensor, basis: Basis, axis: int
) -> tuple[tf.Tensor, Basis]:
    """Picks the lines of k-space, and columns of the basis, that any slice of the batch measured.

    The first line stays in any case: ONNX Runtime makes no matrices of no columns.
    """
    is_measured = tf.reduce_max(lines, axis=0) > 0
    indices = tf.where(tf.concat([[True], is_measured[1:]], axis=0))[:, 0]
    basis = [tf.gather(part, indices, axis=1) for part in basis]
    return tf.gather(kspace, indices, axis=1 + axis), basis


def _image_size(kspace: tf.Tensor) -> Iterator[int | tf.Tensor]:
    """Returns H and W, numbers where they are known before the graph runs: LiteRT needs these."""
    return (kspace.shape[axis] or tf.shape(kspace)[axis] for axis in (1, 2))
