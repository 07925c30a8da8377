"""The metric to watch a training run by, in Keras; volumes are evaluated by `volume_metrics`.

It sees batches of slices, so that its values differ a little from the PSNR of volumes.
"""

import keras
from keras import ops

MEAN_SQUARED_ERROR_FLOOR = 1e-10


@keras.saving.register_keras_serializable(package="kdmri_tf")
class SlicePSNR(keras.metrics.Mean):
    """Mean over slices of the PSNR in dB, each with its own target's maximum as data range.

    For `compile(metrics=[SlicePSNR()])`: takes images (batch, H, W, 1). The maximum of a batch is
    never used, so that the value does not depend on how slices are batched. A mean squared error
    below 1e-10 of the squared maximum counts as that (100 dB), which keeps the mean finite; a
    slice with a blank target does not count.
    """

    def __init__(self, name: str = "psnr", dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; `sample_weight`, if given, has one weight a slice."""
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
