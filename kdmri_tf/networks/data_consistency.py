"""Data consistency: the layer that puts the measured k-space samples back into an image."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.choices import CONSISTENCY_FORMS
from kdmri_tf.errors import InputError
from kdmri_tf.networks.chebyshev import chebyshev_steps
from kdmri_tf.networks.complex_consistency import measure_by_fft, normal_by_fft
from kdmri_tf.networks.complex_line_consistency import (
    measure_complex_lines,
    normal_of_columns,
    normal_of_rows,
    sensitivities_of_lines,
)
from kdmri_tf.networks.consistency_forms import (
    KEEP,
    Measurement,
    prepare_any_mask,
    prepare_by_mask,
    self_adjoint,
)
from kdmri_tf.networks.line_consistency import measure_lines
from kdmri_tf.physics import fourier
from kdmri_tf.physics.sensitivities import low_resolution_sensitivities

LINE_AXES = {"rows": 0, "columns": 1}  # form of exports -> phase-encode axis
NORMAL_OF_LINES = {"rows": normal_of_rows, "columns": normal_of_columns}
FORMS = (*CONSISTENCY_FORMS, *LINE_AXES)


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

    Complex images, of one coil or several, follow the same formula without taking a real part::

        output = x + w A^H (y - A x),    A = M F S,    S the sensitivities of the coils

    For one coil this replaces the measured samples; for several it does so coil by coil, and puts
    the coils together again, where the squares of the sensitivities sum to 1. Inputs are then image
    `(batch, H, W, 2)`, kspace `(batch, coils, H, W, 2)` and, for several coils, sensitivities of
    the same shape. "auto", "rfft" and "fft" are one form here, by the FFT.

    One step for several coils leaves most of what only their differences tell undone. `steps` of
    them, x <- x + w t_k A^H (y - A x), go further: t_k are the inverse roots of the Chebyshev
    polynomial that is smallest where A^H A has eigenvalues from 0.1 to 1 (`chebyshev_steps`). This
    is linear in the image, unlike conjugate gradients. One coil always takes one step, which is
    exact.

    Args:
        noise_weight: lambda >= 0, or None for hard replacement.
        form: "auto", "rfft", "fft", "rows" or "columns".
        complex_images: whether images are complex.
        steps: for several coils, at least 1.

    Raises:
        InputError: a negative or infinite `noise_weight`, an unknown form, fewer steps than 1 or
            more than 100, or several for images that are not complex.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import DataConsistency
        >>> kspace = np.full((1, 8, 8, 2), 3, np.float32)
        >>> nothing_measured, image = np.zeros((1, 8, 8)), np.ones((1, 8, 8, 1))
        >>> output = DataConsistency()(image, kspace, nothing_measured)
        >>> np.allclose(output, image, atol=1e-5)
        True

    Source: KD-MRI (2020), section 2.1; both papers' code replaces and keeps the real part. The
    step for coils is that of Aggarwal et al., MoDL (IEEE TMI 2019), and of variational networks.
    """

    def __init__(
        self,
        noise_weight: float | None = None,
        form: str = "auto",
        complex_images: bool = False,
        steps: int = 1,
        **kwargs: Any,
    ) -> None:
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
                f"Unknown data-consistency form {form!r}; choose one of {', '.join(FORMS)}."
            )
        self.noise_weight = noise_weight
        self.form = form
        self.complex_images = complex_images
        self.steps = steps
        self._step_sizes = chebyshev_steps(steps)
        if steps > 1 and not complex_images:
            raise InputError(
                f"Magnitude images of one coil need one consistency step, not {steps}: more of "
                "them are for complex images of several coils."
            )
        self._weight = 1.0 if noise_weight is None else noise_weight / (1 + noise_weight)

    @property
    def _form_here(self) -> str:
        """The form that this machine computes."""
        on_gpu = self.form == "auto" and tf.config.list_physical_devices("GPU")
        return "rfft" if on_gpu else self.form

    def call(
        self,
        image: tf.Tensor,
        kspace: tf.Tensor,
        mask: tf.Tensor,
        sensitivities: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns the corrected image; where there are several cascades, `measure` only once."""
        return self.correct(image, self.measure(kspace, mask, sensitivities))

    def measure(
        self, kspace: tf.Tensor, mask: tf.Tensor, sensitivities: tf.Tensor | None = None
    ) -> Measurement:
        """Computes what a measurement brings to every correction, once for all cascades.

        Args:
            kspace: float32 `(batch, H, W, 2)`; for complex images `(batch, coils, H, W, 2)`.
            mask: `(batch, H, W)`.
            sensitivities: of complex images, float32 `(batch, coils, H, W, 2)`; None for one coil.

        Returns:
            Dictionary of tensors. "magnitude", float32 `(batch, H, W)`, is |F^-1 M y|, the
            zero-filled image; that of complex images is "zero_filled", A^H y, `(batch, H, W, 2)`.
        """
        mask = tf.cast(mask, tf.float32)
        form = self._form_here
        if self.complex_images:
            if form in LINE_AXES:
                return measure_complex_lines(kspace, mask, sensitivities, LINE_AXES[form])
            return measure_by_fft(kspace, mask, sensitivities)
        if form in LINE_AXES:
            return measure_lines(kspace, mask, self._weight, LINE_AXES[form])
        measured = fourier.to_complex(kspace) * fourier.real_to_complex(mask)
        zero_filled = fourier.complex_ifft2(measured)
        measurement = {"magnitude": tf.abs(zero_filled)}
        if form == "fft":
            return measurement | {"kspace": measured, "mask": mask}
        measurement |= {"measured_image": self._weight * tf.math.real(zero_filled)}
        prepare = prepare_any_mask if form == "rfft" else prepare_by_mask
        return measurement | prepare(1 - self._weight * mask)

    def estimate_sensitivities(self, kspace: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Estimates the sensitivities of coils in this layer's form, see `measure`.

        Args:
            kspace: float32 `(batch, coils, H, W, 2)`, 0 where not measured.
            mask: float32 `(batch, H, W)`.

        Returns:
            `low_resolution_sensitivities`, float32 `(batch, coils, H, W, 2)`.
        """
        if self._form_here in LINE_AXES:
            return sensitivities_of_lines(kspace, mask, LINE_AXES[self._form_here])
        return low_resolution_sensitivities(kspace, mask)

    def correct(
        self,
        image: tf.Tensor,
        measurement: Measurement,
        step_sizes: Sequence[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Returns the corrected image, float32, in the shape of the image.

        Its gradients are those of all inputs. In the form "auto" of magnitude images, that of a
        mask of whole lines is the sum over each line, at its first sample.

        Args:
            image: `(batch, H, W, 1)`, or complex `(batch, H, W, 2)`, of any floating dtype.
            measurement: what `measure` returned.
            step_sizes: of complex images, float32 scalars instead of `chebyshev_steps`, for one
                coil as well.
        """
        if self.complex_images:
            image = tf.cast(image, tf.float32)
            form = self._form_here
            # Exported networks have no gradients, and converters warn of those of our own.
            normal = NORMAL_OF_LINES.get(form) or self_adjoint(normal_by_fft)
            for step in self._usual_steps(measurement) if step_sizes is None else step_sizes:
                residual = measurement["zero_filled"] - normal(image, measurement)
                image = image + self._weight * step * residual
            return image
        # Not image[..., 0], whose gradient copies the image.
        image = tf.squeeze(tf.cast(image, tf.float32), -1)
        form = self._form_here
        if form == "fft":
            predicted = fourier.complex_fft2(fourier.real_to_complex(image))
            weighted = self._weight * measurement["mask"]
            kept = fourier.real_to_complex(1 - weighted)
            corrected = kept * predicted + self._weight * measurement["kspace"]
            output = tf.math.real(fourier.complex_ifft2(corrected))
        else:
            keep = KEEP[form]
            # Exported networks have no gradients, and converters warn of those of our own.
            keep = keep if form in LINE_AXES else self_adjoint(keep)
            output = keep(image, measurement) + measurement["measured_image"]
        return output[..., tf.newaxis]

    def _usual_steps(self, measurement: Measurement) -> Sequence[float | tf.Tensor]:
        """Returns the sizes of the steps for these coils: 1 and no more for a single one."""
        maps = measurement.get("sensitivities", measurement.get("real"))
        axis = 2 if self._form_here == "rows" else 1
        if maps is None or maps.shape[axis] == 1 or self.steps == 1:
            return (1.0,)
        if maps.shape[axis] is not None:
            return self._step_sizes
        is_alone = tf.shape(maps)[axis] == 1
        of_one = (1.0, *(0.0,) * (self.steps - 1))
        return [tf.where(is_alone, *sizes) for sizes in zip(of_one, self._step_sizes, strict=True)]

    def build(
        self,
        image_shape: tuple[int | None, ...],
        kspace_shape: tuple[int | None, ...] | None = None,
        mask_shape: tuple[int | None, ...] | None = None,
        sensitivities_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        """Creates nothing: the layer has no weights."""
        self.built = True

    def compute_output_shape(
        self,
        image_shape: tuple[int | None, ...],
        kspace_shape: tuple[int | None, ...] | None = None,
        mask_shape: tuple[int | None, ...] | None = None,
        sensitivities_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        """Returns the shape of the image, which the layer keeps."""
        return image_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the layer anew."""
        own = {"noise_weight": self.noise_weight, "form": self.form}
        steps = {"steps": self.steps} if self.steps > 1 else {}
        return {**super().get_config(), **own, "complex_images": self.complex_images, **steps}
