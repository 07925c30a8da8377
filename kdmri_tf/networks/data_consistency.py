"""Data consistency: the layer that puts the measured k-space samples back into an image."""

import math

import keras
import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.networks.line_consistency import measure_lines
from kdmri_tf.physics import fourier

FORMS = ("auto", "rfft", "fft", "rows", "columns")
LINE_AXES = {"rows": 0, "columns": 1}  # form -> phase-encode axis


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
      batch by batch. On a GPU always "rfft": it computes matrix products in less than float32.
    - "rows", "columns": for masks of whole rows or columns alone, NaN for others; no FFT and no
      complex number at all, for exported networks. See `line_consistency`.

    Args:
        noise_weight: lambda >= 0, or None for hard replacement.
        form: "auto", "rfft", "fft", "rows" or "columns".

    Raises:
        InputError: a negative or infinite `noise_weight`, or an unknown form.

    Source: KD-MRI (2020), section 2.1; both papers' code replaces and keeps the real part.
    """

    def __init__(self, noise_weight=None, form="auto", **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(autocast=False, **kwargs)
        # On a GPU Keras compiles by XLA where every layer allows it, which nobody has tried here;
        # on a CPU a step was 4 times slower by it.
        self.supports_jit = False
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

    @property
    def _form_here(self):
        """The form that this machine computes."""
        on_gpu = self.form == "auto" and tf.config.list_physical_devices("GPU")
        return "rfft" if on_gpu else self.form

    def call(self, image, kspace, mask):
        return self.correct(image, self.measure(kspace, mask))

    def measure(self, kspace, mask):
        """What a measurement brings to every correction; computed once for all cascades.

        Args:
            kspace: `(batch, H, W, 2)`.
            mask: `(batch, H, W)`.

        Returns:
            Dictionary of tensors; "magnitude", float32 `(batch, H, W)`, is |F^-1 M y|, the
            zero-filled image.
        """
        mask = tf.cast(mask, tf.float32)
        form = self._form_here
        if form in LINE_AXES:
            return measure_lines(kspace, mask, self._weight, LINE_AXES[form])
        measured = fourier.to_complex(kspace) * fourier.real_to_complex(mask)
        zero_filled = fourier.complex_ifft2(measured)
        measurement = {"magnitude": tf.abs(zero_filled)}
        if form == "fft":
            return measurement | {"kspace": measured, "mask": mask}
        kept = 1 - self._weight * mask
        measurement |= {"measured_image": self._weight * tf.math.real(zero_filled)}
        if form == "rfft":
            return measurement | {"kept_half": _hermitian_half(kept)}
        rows, columns = kept[:, :, 0], kept[:, 0, :]
        is_rows = _is_zero(kept - rows[:, :, tf.newaxis])
        is_columns = _is_zero(kept - columns[:, tf.newaxis, :])
        nothing = tf.zeros((0, 0, 0))  # what the other branches need is not computed
        return measurement | {
            "is_rows": is_rows,
            "is_columns": is_columns,
            "matrix": tf.case(
                [(is_rows, lambda: _matrix(rows)), (is_columns, lambda: _matrix(columns))],
                default=lambda: nothing,
            ),
            "kept_half": tf.cond(
                is_rows | is_columns, lambda: nothing, lambda: _hermitian_half(kept)
            ),
        }

    def correct(self, image, measurement):
        """The corrected image, float32 `(batch, H, W, 1)`.

        Args:
            image: of any floating dtype, `(batch, H, W, 1)`.
            measurement: what `measure` returned.
        """
        # Not image[..., 0], whose gradient copies the image.
        image = tf.squeeze(tf.cast(image, tf.float32), -1)
        form = self._form_here
        if form == "fft":
            predicted = fourier.complex_fft2(fourier.real_to_complex(image))
            weight = fourier.real_to_complex(self._weight * measurement["mask"])
            corrected = predicted + weight * (measurement["kspace"] - predicted)
            output = tf.math.real(fourier.complex_ifft2(corrected))
        else:
            keep = KEEP[form]
            # Exported networks have no gradients, and converters warn of those of our own.
            keep = keep if form in LINE_AXES else _self_adjoint(keep)
            output = keep(image, measurement) + measurement["measured_image"]
        return output[..., tf.newaxis]

    def compute_output_shape(self, image_shape, *_):
        return image_shape

    def get_config(self):
        return {**super().get_config(), "noise_weight": self.noise_weight, "form": self.form}


def _self_adjoint(keep):
    """The function with its gradient: it is linear in the image and its own adjoint."""

    def with_gradient(image, measurement):
        @tf.custom_gradient
        def kept(image):
            return keep(image, measurement), lambda upstream: keep(upstream, measurement)

        return kept(image)

    return with_gradient


def _keep_in_rows(image, measurement):
    """x - w A x of a mask of whole rows."""
    return tf.linalg.matmul(measurement["matrix"], image)


def _keep_in_columns(image, measurement):
    return tf.linalg.matmul(image, measurement["matrix"])


def _keep_by_rfft(image, measurement):
    """x - w A x by the FFT of real images."""
    spectrum = tf.signal.rfft2d(image) * fourier.real_to_complex(measurement["kept_half"])
    return tf.signal.irfft2d(spectrum, tf.shape(image)[1:])


def _keep_by_mask(image, measurement):
    """x - w A x in the cheapest way that the mask allows."""
    return tf.case(
        [
            (measurement["is_rows"], lambda: _keep_in_rows(image, measurement)),
            (measurement["is_columns"], lambda: _keep_in_columns(image, measurement)),
        ],
        default=lambda: _keep_by_rfft(image, measurement),
    )


KEEP = {
    "auto": _keep_by_mask,
    "rfft": _keep_by_rfft,
    "rows": _keep_in_rows,
    "columns": _keep_in_columns,
}


def _matrix(spectrum):
    """Re F^-1 diag(s) F in one dimension: `(batch, N)` to circulant `(batch, N, N)`, float32.

    In float64 until the end: all rows hold the same numbers, so that their errors would add up in
    the image's mean.
    """
    column = tf.math.real(tf.signal.ifft(tf.cast(spectrum, tf.complex128)))
    return fourier.circulant(tf.cast(column, tf.float32))


def _is_zero(values):
    return tf.reduce_max(tf.abs(values)) == 0


def _hermitian_half(values):
    """(v(k) + v(-k)) / 2 of `(batch, H, W)`, on the half of k-space that `rfft2d` gives."""
    mirrored = tf.roll(tf.reverse(values, axis=[1, 2]), shift=[1, 1], axis=[1, 2])
    return ((values + mirrored) / 2)[:, :, : tf.shape(values)[2] // 2 + 1]
