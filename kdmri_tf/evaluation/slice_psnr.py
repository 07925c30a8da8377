"""The metric to watch a training run by: `volume_metrics.psnr` of single slices, in Keras.

The formula stands there, once in NumPy, and here, once for tensors; a test sees that they agree.
"""

import keras
import tensorflow as tf
from keras import ops

MEAN_SQUARED_ERROR_FLOOR = 1e-10


@keras.saving.register_keras_serializable(package="kdmri_tf")
class SlicePSNR(keras.metrics.Mean):
    """Averages the PSNR in dB over slices, each with its own target's maximum as peak.

    For `compile(metrics=[SlicePSNR()])`: takes images (batch, H, W, 1). The maximum of a batch is
    never used, so that the value does not depend on how slices are batched; it differs a little
    from the PSNR of volumes, whose peak is the maximum of the volume. A mean squared error below
    1e-10 of the squared peak counts as that (100 dB), which keeps the mean finite; a slice with a
    blank target does not count.

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

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Adds a batch; `sample_weight`, if given, has one weight per slice."""
        target, prediction = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        peak = ops.max(target, axis=(1, 2, 3))
        has_signal = peak > 0
        squared_peak = ops.where(has_signal, peak, 1.0) ** 2
        error = ops.mean((target - prediction) ** 2, axis=(1, 2, 3)) / squared_peak
        decibels = -10 * ops.log10(ops.maximum(error, MEAN_SQUARED_ERROR_FLOOR))
        weight = ops.cast(has_signal, "float32")
        if sample_weight is not None:
            weight = weight * ops.cast(sample_weight, "float32")
        super().update_state(decibels, sample_weight=weight)
