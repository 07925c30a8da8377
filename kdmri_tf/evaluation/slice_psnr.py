"""The metric to watch a training run by: `volume_metrics.psnr` of single slices, in Keras.

The formula stands there, once in NumPy, and here, once for tensors; a test sees that they agree.
"""

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.networks.image_shape import as_images, as_weights
from kdmri_tf.physics.real_numbers import check_real

MEAN_SQUARED_ERROR_FLOOR = 1e-10


@keras.saving.register_keras_serializable(package="kdmri_tf")
class SlicePSNR(keras.metrics.Mean):
    """Averages the PSNR in dB over slices, each with its own target's maximum as peak.

    For `compile(metrics=[SlicePSNR()])`: takes images (batch, H, W, 1), or complex images
    (batch, H, W, 2), whose magnitudes it compares. The maximum of a batch is never used, so that
    the value does not depend on how slices are batched; it differs a little from the PSNR of
    volumes, whose peak is the maximum of the volume. A mean squared error below 1e-10 of the
    squared peak counts as that (100 dB), which keeps the mean finite; a slice with a blank target
    does not count.

    Args:
        name: name in logs.
        dtype: dtype of the accumulated values; None for float32.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import SlicePSNR
        >>> target = np.ones((2, 8, 8, 1), np.float32)
        >>> metric = SlicePSNR()
        >>> metric.update_state(target, 0.9 * target)  # 10 log10(1 / 0.1^2)
        >>> round(float(metric.result()), 3)
        20.0
    """

    def __init__(self, name: str = "psnr", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"  # for callbacks that ask Keras which values are better

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: target, `(batch, H, W, 1)`, `(batch, H, W)` or `(batch, H, W, 2)`.
            y_pred: prediction, the same; slices or pixels that its Keras mask leaves out have
                weight 0.
            sample_weight: weights of slices, a scalar or `(batch,)`, with or without further axes
                of length 1; or of pixels, `(batch, H, W)` or `(batch, H, W, 1)`, for the mean
                squared error of each slice. A slice whose pixels all have weight 0 does not count.

        Raises:
            InputError: complex numbers; their real and imaginary part are the last axis here.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        images = as_images(y_true, "y_true"), as_images(y_pred, "y_pred")
        target, prediction = map(_magnitude, images)
        peak = ops.max(target, axis=(1, 2, 3))
        weight = ops.cast(peak > 0, "float32")
        pixels = ops.ones_like(target)
        for given in (sample_weight, mask):
            if given is not None:
                check_real(given, "sample_weight")
                of_slices, of_pixels = _split(ops.cast(given, "float32"))
                weight, pixels = weight * of_slices, pixels * of_pixels
        squared_peak = ops.where(peak > 0, peak, 1.0) ** 2
        total = ops.sum(pixels, axis=(1, 2, 3))
        weight = ops.where(total > 0, weight, 0.0)
        error = ops.sum(pixels * (target - prediction) ** 2, axis=(1, 2, 3))
        error = error / ops.where(total > 0, total, 1.0) / squared_peak
        decibels = -10 * ops.log10(ops.maximum(error, MEAN_SQUARED_ERROR_FLOOR))
        super().update_state(decibels, sample_weight=weight)


def _magnitude(images: tf.Tensor) -> tf.Tensor:
    """Returns the magnitude of complex images `(batch, H, W, 2)`; others as they are."""
    if images.shape[-1] != 2:
        return images
    return ops.sqrt(ops.sum(images**2, axis=-1, keepdims=True))


def _split(weight: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the factors that a weight has for slices, `(batch,)` or (), and for pixels.

    A weight `(batch, 1, 1)` is one of slices; where its H and W are unknown, the graph tells.
    """
    weight = as_weights(weight)
    if len(weight.shape) == 0:
        return weight, ops.ones(())
    if all(size == 1 for size in weight.shape[1:]):
        return ops.reshape(weight, (-1,)), ops.ones(())
    pixels = as_images(weight)
    if None not in pixels.shape[1:]:
        return ops.ones(()), pixels
    is_of_slices = tf.reduce_prod(tf.shape(pixels)[1:]) == 1
    return (
        tf.where(is_of_slices, pixels[:, 0, 0, 0], 1.0),
        tf.where(is_of_slices, 1.0, pixels),
    )
