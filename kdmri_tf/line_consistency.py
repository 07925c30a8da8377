"""What a measurement of whole lines brings to data consistency, in real arithmetic.

For runtimes that know neither FFTs nor complex or float64 numbers. The inverse FFT of y is
(C + iS)_H y (C + iS)_W / sqrt(H W), C(j, k) = cos(2 pi j k / N) and S(j, k) = sin(2 pi j k / N)
the matrices of each axis: at the sizes of slices, a few hundredths of a network's work.
"""

import math

import tensorflow as tf

from kdmri_tf.fourier import circulant, dft_matrix


def measure_lines(kspace, mask, weight, axis):
    """`DataConsistency.measure` for masks of whole lines.

    Another mask gives NaN throughout rather than a wrong image.

    Args:
        kspace: float32 `(batch, H, W, 2)`.
        mask: float32 `(batch, H, W)`.
        weight: w of `DataConsistency`.
        axis: phase-encode axis, 0 where rows are measured, 1 where columns are.
    """
    across = 2 - axis  # the readout axis of `(batch, H, W)`
    lines = tf.gather(mask, 0, axis=across)
    deviation = tf.reduce_max(tf.abs(mask - tf.expand_dims(lines, across)))
    refusal = tf.where(deviation > 0, math.nan, 0.0)
    zero = tf.cast(tf.minimum(lines[0, 0], 0), tf.int32)  # for the runtime to find out
    height, width = (kspace.shape[axis] or tf.shape(kspace)[axis] for axis in (1, 2))
    bases = dft_matrix(height, zero), dft_matrix(width, zero)
    real, imaginary = _inverse_fft(kspace * mask[..., tf.newaxis], *bases)
    cosines, _ = bases[axis]
    scale = tf.cast(tf.shape(lines)[1], tf.float32)
    column = tf.linalg.matmul(1 - weight * lines, cosines) / scale
    return {
        "magnitude": tf.sqrt(real**2 + imaginary**2) + refusal,
        "measured_image": weight * real + refusal,
        "matrix": circulant(column),
    }


def _inverse_fft(kspace, row_basis, column_basis):
    """Real and imaginary part of F^-1 y, each `(batch, H, W)`; bases are those of `dft_matrix`."""
    # One product an axis: both parts of y below each other, then beside each other.
    parts = tf.concat([kspace[..., 0], kspace[..., 1]], axis=1)
    products = tf.linalg.matmul(parts, tf.concat(column_basis, axis=1))
    real_cosine, real_sine, imaginary_cosine, imaginary_sine = _quarters(products)
    parts = [real_cosine - imaginary_sine, real_sine + imaginary_cosine]
    products = tf.linalg.matmul(tf.concat(row_basis, axis=0), tf.concat(parts, axis=2))
    real_cosine, imaginary_cosine, real_sine, imaginary_sine = _quarters(products)
    pixels = tf.cast(tf.shape(kspace)[1] * tf.shape(kspace)[2], tf.float32)
    scale = tf.math.rsqrt(pixels)
    return (real_cosine - imaginary_sine) * scale, (imaginary_cosine + real_sine) * scale


def _quarters(block):
    """Upper left, upper right, lower left and lower right of `(batch, 2H, 2W)`."""
    return [half for row in tf.split(block, 2, axis=1) for half in tf.split(row, 2, axis=2)]
