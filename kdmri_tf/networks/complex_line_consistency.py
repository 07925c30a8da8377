"""A^H y and A^H A x for masks of whole lines, in real arithmetic: for exported networks.

Along the phase-encode axis F^-1 M F is P, a circulant and Hermitian matrix, P = P_r + i P_i, and
A^H A x = sum over coils of conj(S_c) P (S_c x). One product with the block matrix
(P_r, -P_i; P_i, P_r) multiplies real and imaginary parts of all coils at once.
"""

from collections.abc import Sequence

import tensorflow as tf

from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.line_consistency import Basis, inverse_fft_of_lines, lines_of
from kdmri_tf.physics import numpy_names
from kdmri_tf.physics.calibration import calibration_window
from kdmri_tf.physics.fourier import circulant
from kdmri_tf.physics.sensitivities import normalized

Parts = Sequence[tf.Tensor]  # real, imaginary


def measure_complex_lines(
    kspace: tf.Tensor, mask: tf.Tensor, sensitivities: tf.Tensor | None, axis: int
) -> Measurement:
    """Computes `measure_by_fft` for masks of whole lines; another mask gives NaN throughout.

    Args:
        kspace: float32 `(batch, coils, H, W, 2)`.
        mask: float32 `(batch, H, W)`.
        sensitivities: float32 `(batch, coils, H, W, 2)`, or None for one coil.
        axis: phase-encode axis, 0 where rows are measured, 1 where columns are.

    Returns:
        "zero_filled", float32 `(batch, H, W, 2)`; the block "matrix" `(batch, 2 N, 2 N)` for N
        lines; and, with coils, "real" and "imaginary" parts of the sensitivities, coils next to
        the axis that the matrix does not multiply.
    """
    lines, bases, refusal = lines_of(mask, axis)
    coil_images = _coil_images(kspace, mask, lines, bases, axis)
    measurement = {"matrix": _matrix(lines, bases[axis])}
    if sensitivities is None:
        zero_filled = [part[:, 0] for part in coil_images]
    else:
        weights = sensitivities[..., 0], sensitivities[..., 1]
        zero_filled = [tf.reduce_sum(p, axis=1) for p in _times_conjugate(weights, coil_images)]
        beside = [tf.transpose(p, (0, 2, 1, 3)) if axis == 0 else p for p in weights]
        measurement |= {"real": beside[0], "imaginary": beside[1]}
    return measurement | {"zero_filled": tf.stack(zero_filled, axis=-1) + refusal}


def sensitivities_of_lines(kspace: tf.Tensor, mask: tf.Tensor, axis: int) -> tf.Tensor:
    """Computes `low_resolution_sensitivities` for masks of whole lines, without an FFT.

    Args:
        kspace: float32 `(batch, coils, H, W, 2)`.
        mask: float32 `(batch, H, W)`.
        axis: phase-encode axis, 0 where rows are measured, 1 where columns are.

    Returns:
        float32 `(batch, coils, H, W, 2)`.
    """
    lines, bases, _ = lines_of(mask, axis)
    images = _coil_images(kspace, calibration_window(mask, numpy_names), lines, bases, axis)
    return normalized(tf.stack(images, axis=-1), numpy_names)


def normal_of_rows(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes A^H A x of images `(batch, H, W, 2)` for a mask of whole rows."""
    return _normal(image, measurement, axis=0)


def normal_of_columns(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes A^H A x of images `(batch, H, W, 2)` for a mask of whole columns."""
    return _normal(image, measurement, axis=1)


def _normal(image: tf.Tensor, measurement: Measurement, axis: int) -> tf.Tensor:
    parts: Parts = (image[..., 0], image[..., 1])
    has_coils = "real" in measurement
    if has_coils:
        weights = measurement["real"], measurement["imaginary"]
        parts = _times(weights, [tf.expand_dims(part, 2 - axis) for part in parts])
    parts = _along_lines(measurement["matrix"], parts, axis)
    if has_coils:
        products = _times_conjugate(weights, parts)
        parts = [tf.reduce_sum(product, axis=2 - axis) for product in products]
    return tf.stack(parts, axis=-1)


def _along_lines(matrix: tf.Tensor, parts: Parts, axis: int) -> Parts:
    """Multiplies by P along the phase-encode axis of `(batch, H, [coils,] W)` for rows, and of
    `(batch, [coils,] H, W)` for columns."""
    shape = tf.shape(parts[0])
    if axis == 0:
        flat = [tf.reshape(part, (shape[0], shape[1], -1)) for part in parts]
        product = tf.linalg.matmul(matrix, tf.concat(flat, axis=1))
    else:
        flat = [tf.reshape(part, (shape[0], -1, shape[-1])) for part in parts]
        product = tf.linalg.matmul(tf.concat(flat, axis=2), matrix)
    return [tf.reshape(part, shape) for part in tf.split(product, 2, axis=1 + axis)]


def _matrix(lines: tf.Tensor, basis: Basis) -> tf.Tensor:
    """Builds the block matrix of P from the measured lines `(batch, N)`."""
    cosines, sines = basis
    scale = tf.cast(tf.shape(lines)[1], tf.float32)
    real = circulant(tf.linalg.matmul(lines, cosines) / scale)
    imaginary = circulant(-tf.linalg.matmul(lines, sines) / scale)
    blocks = [tf.concat([real, -imaginary], axis=2), tf.concat([imaginary, real], axis=2)]
    return tf.concat(blocks, axis=1)


def _coil_images(
    kspace: tf.Tensor,
    mask: tf.Tensor,
    lines: tf.Tensor,
    bases: tuple[Basis, Basis],
    axis: int,
) -> Parts:
    """Computes the parts of F^-1 M y of every coil, each `(batch, coils, H, W)`."""
    shape = tf.shape(kspace)
    measured = kspace * mask[:, tf.newaxis, ..., tf.newaxis]
    one_by_one = tf.reshape(measured, (-1, *_known(kspace, (2, 3)), 2))
    images = inverse_fft_of_lines(one_by_one, lines, bases, axis)
    return [tf.reshape(part, shape[:4]) for part in images]


def _known(tensor: tf.Tensor, axes: tuple[int, ...]) -> list[int | tf.Tensor]:
    """Returns sizes, as numbers where they are known before the graph runs."""
    return [tensor.shape[axis] or tf.shape(tensor)[axis] for axis in axes]


def _times(first: Parts, second: Parts) -> Parts:
    (a, b), (c, d) = first, second
    return a * c - b * d, a * d + b * c


def _times_conjugate(first: Parts, second: Parts) -> Parts:
    (a, b), (c, d) = first, second
    return a * c + b * d, a * d - b * c
