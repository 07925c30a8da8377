"""A^H y and A^H A x of complex images and coils, for data consistency; A as in `SenseOperator`.

Here by the FFT, for any mask; `complex_line_consistency` has both without FFTs and complex numbers.
"""

import tensorflow as tf

from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.physics.sense import SenseOperator


def measure_by_fft(
    kspace: tf.Tensor, mask: tf.Tensor, sensitivities: tf.Tensor | None
) -> Measurement:
    """Computes what a measurement brings to every correction.

    Args:
        kspace: float32 `(batch, coils, H, W, 2)`.
        mask: float32 `(batch, H, W)`.
        sensitivities: float32 `(batch, coils, H, W, 2)`, or None for one coil.

    Returns:
        Dictionary of tensors; "zero_filled", float32 `(batch, H, W, 2)`, is A^H y.
    """
    coils = {} if sensitivities is None else {"sensitivities": sensitivities}
    zero_filled = SenseOperator(mask, sensitivities).adjoint(kspace)
    return {"zero_filled": zero_filled, "mask": mask, **coils}


def normal_by_fft(image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
    """Computes A^H A x, which is linear in the image and its own adjoint.

    Args:
        image: float32 `(batch, H, W, 2)`.
        measurement: what `measure_by_fft` returned.
    """
    return SenseOperator(measurement["mask"], measurement.get("sensitivities")).normal(image)
