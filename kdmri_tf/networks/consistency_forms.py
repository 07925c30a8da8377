"""The part x - w A x of data consistency, computed in several ways; A as in `data_consistency`."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kdmri_tf.physics import fourier

Measurement = dict[str, tf.Tensor]
Keep = Callable[[tf.Tensor, Measurement], tf.Tensor]


def self_adjoint(keep: Keep) -> Keep:
    """Returns the function with its gradient: it is linear in the image and its own adjoint.

    That of the measurement is TensorFlow's, for sensitivities or masks that are learned; in a graph
    it is left out where nothing needs it.
    """

    def with_gradient(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
        @tf.custom_gradient
        def kept(image: tf.Tensor, measured: Measurement) -> tuple[tf.Tensor, Callable[..., Any]]:
            def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, *tuple[tf.Tensor | None, ...]]:
                return keep(upstream, measured), *_of_measurement(keep, image, measured, upstream)

            return keep(image, measured), gradients

        return kept(image, tf.nest.map_structure(tf.convert_to_tensor, measurement))

    return with_gradient


def _of_measurement(
    keep: Keep, image: tf.Tensor, measurement: Measurement, upstream: tf.Tensor
) -> list[tf.Tensor | None]:
    """Computes the gradient of <upstream, keep(image, m)> with respect to the tensors m."""
    tensors = tf.nest.flatten(measurement)
    floating = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floating)
        output = keep(image, measurement)
    found = iter(tape.gradient(output, floating, upstream, tf.UnconnectedGradients.ZERO))
    return [next(found) if tensor.dtype.is_floating else None for tensor in tensors]


def prepare_any_mask(kept: tf.Tensor) -> Measurement:
    """Computes what `KEEP["rfft"]` needs.

    Args:
        kept: 1 - w M, float32 `(batch, H, W)`, unshifted.
    """
    return {"kept_half": _hermitian_half(kept)}


def prepare_by_mask(kept: tf.Tensor) -> Measurement:
    """Computes what `KEEP["auto"]` needs, which depends on the mask.

    Args:
        kept: 1 - w M, float32 `(batch, H, W)`, unshifted.
    """
    rows, columns = kept[:, :, 0], kept[:, 0, :]
    is_rows = _is_zero(kept - rows[:, :, tf.newaxis])
    is_columns = _is_zero(kept - columns[:, tf.newaxis, :])
    nothing = tf.zeros((0, 0, 0))  # what the other branches need is not computed
    return {
        "is_rows": is_rows,
        "is_columns": is_columns,
        "matrix": tf.case(
            [(is_rows, lambda: _matrix(rows)), (is_columns, lambda: _matrix(columns))],
            default=lambda: nothing,
        ),
        "kept_half": tf.cond(is_rows | is_columns, lambda: nothing, lambda: _hermitian_half(kept)),
    }


def _keep_in_rows(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes x - w A x for a mask of whole rows."""
    return tf.linalg.matmul(measurement["matrix"], image)


def _keep_in_columns(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    return tf.linalg.matmul(image, measurement["matrix"])


def _keep_by_rfft(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes x - w A x by the FFT of real images."""
    spectrum = tf.signal.rfft2d(image)
    kept = tf.reshape(measurement["kept_half"], tf.shape(spectrum))  # for XLA, see below
    spectrum *= fourier.real_to_complex(kept)
    return tf.signal.irfft2d(spectrum, tf.shape(image)[1:])


def _keep_by_mask(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes x - w A x in the cheapest way that the mask allows."""

    def of_lines(axis: int) -> Measurement:
        count = tf.shape(image)[axis]
        return {"matrix": measurement["matrix"][:, :count, :count]}  # it is of this size already

    kept = tf.case(
        [
            (measurement["is_rows"], lambda: _keep_in_rows(image, of_lines(1))),
            (measurement["is_columns"], lambda: _keep_in_columns(image, of_lines(2))),
        ],
        default=lambda: _keep_by_rfft(image, measurement),
    )
    # XLA takes a shape that depends on conditions for an unknown one, of which it has no FFT.
    return tf.reshape(kept, tf.shape(image))


# Form -> function from x, float32 `(batch, H, W)`, and the measurement to x - w A x.
KEEP: dict[str, Keep] = {
    "auto": _keep_by_mask,
    "rfft": _keep_by_rfft,
    "rows": _keep_in_rows,
    "columns": _keep_in_columns,
}


def _matrix(spectrum: tf.Tensor) -> tf.Tensor:
    """Computes Re F^-1 diag(s) F in one dimension: `(batch, N)` to circulant `(batch, N, N)`.

    In float64 until the end: all rows hold the same numbers, so that their errors would add up in
    the image's mean.
    """
    spectrum = fourier.real_to_complex(tf.cast(spectrum, tf.float64))
    column = tf.math.real(tf.signal.ifft(spectrum))
    return fourier.circulant(tf.cast(column, tf.float32))


def _is_zero(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.abs(values)) == 0


def _hermitian_half(values: tf.Tensor) -> tf.Tensor:
    """Computes (v(k) + v(-k)) / 2 of `(batch, H, W)`, on the half that `rfft2d` gives."""
    mirrored = tf.roll(tf.reverse(values, axis=[1, 2]), shift=[1, 1], axis=[1, 2])
    return ((values + mirrored) / 2)[:, :, : tf.shape(values)[2] // 2 + 1]
