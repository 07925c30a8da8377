"""The measurement of a scanner with coils: A = M F S, its adjoint and its norm."""

import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.physics import fourier
from kdmri_tf.physics.real_numbers import check_real

# What a network of complex images is given; batch, coils, height and width are free.
KSPACE = tf.TensorSpec((None, None, None, None, 2), tf.float32, name="kspace")
MASK = tf.TensorSpec((None, None, None), tf.float32, name="mask")
SENSITIVITIES = tf.TensorSpec((None, None, None, None, 2), tf.float32, name="sensitivities")


class SenseOperator:
    """Measures complex images with several coils: y_c = M F (S_c x), for every coil c.

    F is the unitary, unshifted FFT over height and width, M keeps the measured samples, S_c is the
    sensitivity of coil c. The adjoint A^H y = sum over c of conj(S_c) F^-1 M y_c is the zero-filled
    image where y is what was measured. Complex numbers are float32 with the last axis (real,
    imaginary) throughout. Where the squares of the sensitivities sum to at most 1, the norm of A is
    at most 1, and x + A^H (y - A x) puts the measured samples back.

    Args:
        mask: `(batch, H, W)` of 0 and 1, unshifted.
        sensitivities: `(batch, coils, H, W, 2)`; None for one coil that sees everything alike.

    Raises:
        InputError: sensitivities of another shape, or that do not fit the mask; complex numbers.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import SenseOperator
        >>> sensitivities = tf.fill((1, 4, 8, 6, 2), 8 ** -0.5)  # squares sum to 1
        >>> operator = SenseOperator(tf.ones((1, 8, 6)), sensitivities)
        >>> image = tf.random.stateless_normal((1, 8, 6, 2), seed=(0, 1))
        >>> kspace = operator.forward(image)
        >>> tuple(kspace.shape), bool(tf.reduce_max(abs(operator.adjoint(kspace) - image)) < 1e-5)
        ((1, 4, 8, 6, 2), True)

    Source: Pruessmann et al., SENSE (Magn Reson Med 1999).
    """

    def __init__(self, mask: tf.Tensor, sensitivities: tf.Tensor | None = None) -> None:
        check_real(mask, "mask")
        mask = tf.convert_to_tensor(mask, tf.float32)
        self._mask = mask
        self._samples = fourier.real_to_complex(mask)[:, tf.newaxis]
        self._sensitivities: tf.Tensor | None = None
        if sensitivities is not None:
            check_real(sensitivities, "sensitivities")
            sensitivities = tf.convert_to_tensor(sensitivities, tf.float32)
            check_coils(tuple(sensitivities.shape), tuple(mask.shape), "sensitivities")
            self._sensitivities = fourier.to_complex(sensitivities)

    def forward(self, image: tf.Tensor) -> tf.Tensor:
        """Computes A x.

        Args:
            image: `(batch, H, W, 2)`.

        Returns:
            k-space `(batch, coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        """
        return fourier.to_channels(self._forward(fourier.to_complex(image)))

    def adjoint(self, kspace: tf.Tensor) -> tf.Tensor:
        """Computes A^H y.

        Args:
            kspace: `(batch, coils, H, W, 2)`; samples that the mask leaves out do not count.

        Returns:
            Image `(batch, H, W, 2)`.

        Raises:
            InputError: several coils without sensitivities; where their number is unknown,
                TensorFlow's error says so when the graph runs.
        """
        return fourier.to_channels(self._adjoint(fourier.to_complex(kspace)))

    def normal(self, image: tf.Tensor) -> tf.Tensor:
        """Computes A^H A x of an image `(batch, H, W, 2)`."""
        return fourier.to_channels(self._adjoint(self._forward(fourier.to_complex(image))))

    def norm(self, iterations: int = 30, seed: int = 0) -> tf.Tensor:
        """Estimates the largest singular value of A by power iteration, from below.

        Args:
            iterations: applications of A^H A.
            seed: of the image to begin with.

        Returns:
            float32 `(batch,)`.
        """
        image = tf.random.stateless_normal((*tf.unstack(tf.shape(self._mask)), 2), (seed, 0))
        for _ in range(iterations):
            image = self.normal(image)
            largest = tf.sqrt(tf.reduce_sum(image**2, axis=(1, 2, 3), keepdims=True))
            image = tf.math.divide_no_nan(image, largest)
        return tf.sqrt(largest[:, 0, 0, 0])

    def _forward(self, image: tf.Tensor) -> tf.Tensor:
        images = image[:, tf.newaxis]
        if self._sensitivities is not None:
            images = self._sensitivities * images
        return fourier.complex_fft2(images) * self._samples

    def _adjoint(self, kspace: tf.Tensor) -> tf.Tensor:
        if self._sensitivities is None:
            if kspace.shape[1] not in (None, 1):
                raise InputError(
                    f"kspace has {kspace.shape[1]} coils: give their sensitivities as well."
                )
            kspace = tf.ensure_shape(kspace, (None, 1, None, None))
        images = fourier.complex_ifft2(kspace * self._samples)
        if self._sensitivities is None:
            return images[:, 0]
        return tf.reduce_sum(tf.math.conj(self._sensitivities) * images, axis=1)


def check_coils(shape: tuple[int | None, ...], mask: tuple[int | None, ...], name: str) -> None:
    """Refuses k-space or sensitivities that are not of several coils, or not of the mask's size.

    Args:
        shape: of the array, `(batch, coils, H, W, 2)`; None where unknown.
        mask: shape of the mask, `(batch, H, W)`.
        name: of the array, for the message.

    Raises:
        InputError: another number of axes, another last one, or sizes that differ.
    """
    if len(shape) != 5 or shape[-1] != 2:
        raise InputError(
            f"{name} must have shape (batch, coils, height, width, 2), the last axis (real, "
            f"imaginary); got shape {shape}."
        )
    sizes = (shape[0], *shape[2:4])
    if len(mask) != 3 or any(
        None not in pair and pair[0] != pair[1] for pair in zip(mask, sizes, strict=True)
    ):
        raise InputError(
            f"mask must have shape (batch, height, width) to match {name}; got mask {mask} and "
            f"{name} {shape}."
        )
