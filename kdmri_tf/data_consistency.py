"""Data consistency: the layer that puts the measured k-space samples back into an image."""

import math

import keras
import tensorflow as tf

from kdmri_tf import fourier
from kdmri_tf.errors import InputError

FORMS = ("auto", "rfft", "fft")


@keras.saving.register_keras_serializable(package="kdmri_tf")
class DataConsistency(keras.layers.Layer):
    """Puts the measured k-space samples back into an image.

    With y the measured k-space, M the mask, F the unitary FFT and x the image::

        k = F x
        output = Re F^-1 [(1 - w M) k + w M y],    w = lambda / (1 + lambda)

    Without a `noise_weight`, lambda is infinite and w = 1: measured samples replace the network's.

    Inputs: image float32 `(batch, H, W, 1)`; kspace float32 `(batch, H, W, 2)` (real, imaginary),
    unshifted, ortho normalised; mask float32 `(batch, H, W)` of 0 and 1.
    Output: float32 `(batch, H, W, 1)`. Always computed in float32, whatever the dtype policy.

    The image is real, so the same function has cheaper forms::

        output = x + w (x_u - A x),    x_u = Re F^-1 M y,    A = Re F^-1 M F

    x_u is computed once for all cascades (`measure`, then `correct`). A is F^-1 M' F with the
    Hermitian-symmetric M'(k) = (M(k) + M(-k)) / 2. All forms agree to float32 rounding:

    - "fft": the definition, by `tf.signal.fft2d` and `ifft2d`; the reference.
    - "rfft": A by `rfft2d` and `irfft2d`; for any mask.
    - "auto": for a mask of whole lines, A is a real symmetric circulant matrix along the phase
      encode axis: one matrix product, no FFT. For any other mask, "rfft". Looks at the mask itself,
      batch by batch.

    Args:
        noise_weight: lambda >= 0, or None for hard replacement.
        form: "auto", "rfft" or "fft".

    Raises:
        InputError: a negative or infinite `noise_weight`, or an unknown form.

    Source: KD-MRI (2020), section 2.1; both papers' code replaces and keeps the real part.
    """

    def __init__(self, noise_weight=None, form="auto", **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(autocast=False, **kwargs)
        # Keras compiles by XLA where every layer allows it; on a CPU that is 4 times slower.
        self.supports_jit = bool(tf.config.list_physical_devices("GPU"))
        if noise_weight is not None and not 0 <= noise_weight < math.inf:
            raise InputError(
                f"noise_weight must be a finite number >= 0, or None for hard replacement; got "
                f"{noise_weight}."
            )
        if form not in FORMS:
            raise InputError(
                f"Unknown form {form!r} of data consistency; choose one of {', '.join(FORMS)}."
            )
        self.noise_weight = noise_weight
        self.form = form
        self._weight = 1.0 if noise_weight is None else noise_weight / (1 + noise_weight)

    def call(self, image, kspace, mask):
        return self.correct(image, self.measure(kspace, mask))

    def measure(self, kspace, mask):
        """What a measurement brings to every correction; computed once for all cascades.

        Args:
            kspace: `(batch, H, W, 2)`.
            mask: `(batch, H, W)`.

        Returns:
            Dictionary of tensors; "zero_filled", complex64 `(batch, H, W)`, is F^-1 M y.
        """
        mask = tf.cast(mask, tf.float32)
        measured = fourier.to_complex(kspace) * _to_complex(mask)
        zero_filled = fourier.complex_ifft2(measured)
        if self.form == "fft":
            return {"zero_filled": zero_filled, "kspace": measured, "mask": mask}
        kept = 1 - self._weight * mask
        measurement = {
            "zero_filled": zero_filled,
            "measured_image": self._weight * tf.math.real(zero_filled),
            "kept_half": _hermitian_half(kept),
        }
        if self.form == "auto":
            rows, columns = kept[:, :, 0], kept[:, 0, :]
            measurement |= {
                "is_rows": tf.reduce_all(kept == rows[:, :, tf.newaxis]),
                "is_columns": tf.reduce_all(kept == columns[:, tf.newaxis, :]),
                "row_matrix": _circulant(rows),
                "column_matrix": _circulant(columns),
            }
        return measurement

    def correct(self, image, measurement):
        """The corrected image, given what `measure` returned."""
        # Not image[..., 0], whose gradient copies the image.
        image = tf.squeeze(tf.cast(image, tf.float32), -1)
        if self.form == "fft":
            predicted = fourier.complex_fft2(_to_complex(image))
            weight = _to_complex(self._weight * measurement["mask"])
            corrected = predicted + weight * (measurement["kspace"] - predicted)
            output = tf.math.real(fourier.complex_ifft2(corrected))
        else:
            keep = _keep_by_rfft if self.form == "rfft" else _keep_by_mask
            output = _self_adjoint(keep, image, measurement) + measurement["measured_image"]
        return output[..., tf.newaxis]

    def compute_output_shape(self, image_shape, *_):
        return image_shape

    def get_config(self):
        return {**super().get_config(), "noise_weight": self.noise_weight, "form": self.form}


def _self_adjoint(keep, image, measurement):
    """`keep(image, measurement)`, which is linear in the image and its own adjoint."""

    @tf.custom_gradient
    def kept(image):
        return keep(image, measurement), lambda upstream: keep(upstream, measurement)

    return kept(image)


def _keep_by_rfft(image, measurement):
    """x - w A x by the FFT of real images."""
    spectrum = tf.signal.rfft2d(image) * _to_complex(measurement["kept_half"])
    return tf.signal.irfft2d(spectrum, tf.shape(image)[1:])


def _keep_by_mask(image, measurement):
    """x - w A x in the cheapest way that the mask allows."""
    return tf.cond(
        measurement["is_rows"],
        lambda: tf.linalg.matmul(measurement["row_matrix"], image),
        lambda: tf.cond(
            measurement["is_columns"],
            lambda: tf.linalg.matmul(image, measurement["column_matrix"]),
            lambda: _keep_by_rfft(image, measurement),
        ),
    )


def _hermitian_half(values):
    """(v(k) + v(-k)) / 2 of `(batch, H, W)`, on the half of k-space that `rfft2d` gives."""
    mirrored = tf.roll(tf.reverse(values, axis=[1, 2]), shift=[1, 1], axis=[1, 2])
    return ((values + mirrored) / 2)[:, :, : tf.shape(values)[2] // 2 + 1]


def _circulant(spectrum):
    """Re F^-1 diag(s) F in one dimension: `(batch, N)` to the matrices `(batch, N, N)`.

    Entry (i, j) is c(i - j), c(n) = (1/N) sum over k of s(k) cos(2 pi k n / N). In float64 until
    the end: all rows hold the same numbers, so that their errors would add up in the image's mean.
    """
    length = spectrum.shape[-1] or tf.shape(spectrum)[-1]
    index = tf.range(length)
    # The product of the indices wraps exactly; the cosine of a large angle would not.
    turns = index[:, tf.newaxis] * index % length / length
    cosines = tf.cos(2 * math.pi * turns) / tf.cast(length, tf.float64)
    column = tf.cast(tf.linalg.matmul(tf.cast(spectrum, tf.float64), cosines), tf.float32)
    return tf.gather(column, (index[:, tf.newaxis] - index) % length, axis=1)


def _to_complex(real):
    # Not tf.cast: its gradient warns about the imaginary part that it rightly drops.
    return tf.complex(real, tf.zeros_like(real))
