"""A scan that is simulated: from a magnitude image to the k-space of coils, as raw data have it."""

import dataclasses
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.physics import fourier
from kdmri_tf.physics.coil_profiles import random_coil_profiles, root_sum_of_squares
from kdmri_tf.physics.random_phase import random_phase
from kdmri_tf.physics.real_numbers import check_real
from kdmri_tf.physics.receiver_noise import receiver_noise
from kdmri_tf.physics.tissue_phase import tissue_phase
from kdmri_tf.sizes import MOST_COILS

Range = float | Sequence[float]  # a number, or the lowest and the highest of those that are drawn

SHADING_COILS = 8  # whose shading an image of one coil, which combines several, still has
BODY_SHARE = 0.1  # of the brightest pixel: what is brighter is the body


@dataclass(frozen=True)
class SimulatedAcquisition:
    """Makes raw k-space of magnitude images: networks for scanners are trained without raw data.

    ::

        x   = m exp(i phi)                              complex image of the magnitude m
        y_c = F(C_c x) + sigma n_c                      k-space of coil c, fully sampled

    phi is smooth (`random_phase`) but for the edges of tissues (`tissue_phase`), C_c the profile of
    a loop beside the body (`random_coil_profiles`) and n_c complex Gaussian noise that neighbours
    share (`receiver_noise`). What is a range, (lowest, highest), is drawn from it for every slice,
    uniformly (`snr`: its logarithm); a number is itself. All follows from the seed.

    Attributes:
        coils: of the array, at least 1. One coil stands for the combination of eight: it has their
            shading, and no other profile.
        snr: mean of the root sum of squares of the coil images without noise, over pixels brighter
            than a tenth of its maximum, divided by sigma, the standard deviation of the real part
            (or the imaginary) of the noise of a coil. None for no noise.
        phase: strength of phi: 0 for a constant, 1 for gradients as large as on scanners.
        tissue: strength of the part of phi that follows the brightness, in radians.
        shading: exponent s from 0 to 1: the array is normalised so that its root sum of squares is
            R^s where that of the loops is R. 0 leaves the brightness of the image as it is, 1 gives
            that of loops, several times as bright beside them as in the middle.
        noise_correlation: of the noise of neighbouring coils, from 0 to below 1.
        denoise: whether the reference is without noise, so that networks remove it. By default it
            has the noise of the k-space, as fully sampled scans have: networks that are trained
            without smooth what they are measured against.

    Raises:
        InputError: a value out of its range.

    Example:
        >>> from kdmri_tf import SimulatedAcquisition, phantom_volume
        >>> image = phantom_volume("brain", (64, 48), num_slices=1, seed=0)[0, ..., None]
        >>> scan = SimulatedAcquisition(coils=4)(image, seed=(0, 1))
        >>> {name: tuple(value.shape) for name, value in scan.items()}
        {'kspace': (4, 64, 48, 2), 'reference': (4, 64, 48, 2)}
    """

    coils: int = 8
    snr: Range | None = (10.0, 60.0)
    phase: Range = (0.5, 1.5)
    tissue: Range = (0.0, 0.6)
    shading: Range = (0.0, 0.7)
    noise_correlation: Range = (0.0, 0.3)
    denoise: bool = False

    def __post_init__(self) -> None:
        set_value = object.__setattr__
        set_value(self, "coils", check_coils(self.coils))
        bounds = {
            "phase": (0, 100),
            "tissue": (0, 100),
            "shading": (0, 1),
            "noise_correlation": (0, 0.99),
            **({} if self.snr is None else {"snr": (0.01, 1e6)}),
        }
        for name, (lowest, highest) in bounds.items():
            set_value(self, name, _range(name, getattr(self, name), lowest, highest))

    @property
    def config(self) -> dict[str, Any]:
        """All settings as JSON values, ranges as lists of two numbers."""
        values = dataclasses.asdict(self)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    def __call__(self, image: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scans one slice.

        Args:
            image: magnitude, float32 `(H, W, 1)`, H and W known.
            seed: int32 `(2,)`; the same gives the same.

        Returns:
            `kspace`, float32 `(coils, H, W, 2)`, unshifted, ortho, fully sampled, with noise; and
            `reference`, the coil images F^-1 y_c, of the same shape; see `denoise`.
        """
        check_real(image, "image")
        image = tf.convert_to_tensor(image, tf.float32)[..., 0]
        of_phase, of_coils, of_noise, of_numbers = tf.unstack(tf.random.split(seed, 4))
        of_tissue = tf.random.fold_in(of_phase, 1)
        uniform = tf.unstack(tf.random.stateless_uniform((5,), of_numbers))
        profiles = self._profiles(tuple(image.shape), of_coils, self._drawn("shading", uniform[0]))
        phase = random_phase(image.shape, of_phase, self._drawn("phase", uniform[1]))
        phase += tissue_phase(image, of_tissue, self._drawn("tissue", uniform[4]))
        coil_images = profiles * tf.complex(image * tf.cos(phase), image * tf.sin(phase))
        kspace = fourier.complex_fft2(coil_images)
        if self.snr is not None:
            correlation = self._drawn("noise_correlation", uniform[2])
            noise = receiver_noise(self.coils, image.shape, of_noise, correlation)
            snr = self._drawn("snr", uniform[3])
            kspace += fourier.real_to_complex(_signal(coil_images) / snr) * noise
            if not self.denoise:
                coil_images = fourier.complex_ifft2(kspace)
        return {
            "kspace": fourier.to_channels(kspace),
            "reference": fourier.to_channels(coil_images),
        }

    def _drawn(self, name: str, uniform: tf.Tensor) -> tf.Tensor:
        """Returns a number of this range, from one that is uniform from 0 to 1."""
        low, high = getattr(self, name)
        return low * (high / low) ** uniform if name == "snr" else low + (high - low) * uniform

    def _profiles(self, size: tuple[int, int], seed: tf.Tensor, shading: tf.Tensor) -> tf.Tensor:
        """Returns C, complex64 `(coils, H, W)`."""
        is_combined = self.coils == 1
        loops = random_coil_profiles(SHADING_COILS if is_combined else self.coils, size, seed)
        brightness = root_sum_of_squares(loops)
        if is_combined:
            return fourier.real_to_complex(brightness**shading)[tf.newaxis]
        return loops * fourier.real_to_complex(brightness ** (shading - 1))


def check_coils(coils: int) -> int:
    """Returns a number of coils as an int.

    Raises:
        InputError: it is none.
    """
    try:
        number = operator.index(coils)
    except TypeError as error:
        raise InputError(f"coils must be a whole number; got {coils!r}.") from error
    if not 1 <= number <= MOST_COILS:
        raise InputError(f"coils must lie between 1 and {MOST_COILS}; got {number}.")
    return number


def _range(name: str, value: Any, lowest: float, highest: float) -> tuple[float, float]:
    """Returns (lowest, highest) of a number or of two."""
    try:
        low, high = (float(value),) * 2 if isinstance(value, int | float) else map(float, value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} must be a number, or two of them, the lowest and the highest; got {value!r}."
        ) from error
    if not lowest <= low <= high <= highest:
        raise InputError(
            f"{name} must lie between {lowest:g} and {highest:g}, the lowest number first; got "
            f"{value!r}."
        )
    return low, high


def _signal(coil_images: tf.Tensor) -> tf.Tensor:
    """Returns the mean of the root sum of squares over the body; 0 of a blank image."""
    brightness = root_sum_of_squares(coil_images)
    body = tf.cast(brightness > BODY_SHARE * tf.reduce_max(brightness), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(body * brightness), tf.reduce_sum(body))
