"""The phase of complex images, which networks that are trained on real images do not know."""

import numpy as np

# Frequencies on each side of 0 that a smooth phase has at most.
LARGEST_HALF_WIDTH = 15
ROUNDING = 1e-6


def without_smooth_phase(image, mask):
    """The image times exp(-i phi), phi the phase of the image at low resolution.

    The low resolution is that of the frequencies around 0 that the mask measures without a gap, at
    most 15 to each side along both axes, under a triangular window: an image that is not negative
    stays so at this resolution, and is returned as it is.

    Args:
        image: complex `(H, W)`, zero-filled.
        mask: `(H, W)` of 0 and 1, unshifted.

    Returns:
        Complex `(H, W)`; real up to noise and aliasing where phi is all the phase there is.
    """
    half_width = min(_gapless(mask[:, 0]), _gapless(mask[0, :]), LARGEST_HALF_WIDTH)
    low = np.fft.ifft2(np.fft.fft2(image) * _triangle(image.shape, half_width))
    shows = np.abs(low) > ROUNDING * np.abs(low).max()
    return image * np.exp(-1j * np.where(shows, np.angle(low), 0))


def _gapless(line):
    """How far on both sides of 0 an unshifted line of a mask is measured."""
    sides = np.minimum(line[1:], line[:0:-1])  # frequencies k and -k
    return int(np.argmin(np.append(sides, 0)))


def _triangle(shape, half_width):
    """1 at frequency 0, falling to 0 behind `half_width` along both axes; unshifted."""
    frequencies = (np.fft.fftfreq(length, 1 / length) for length in shape)
    return np.outer(*(np.maximum(0, 1 - np.abs(f) / (half_width + 1)) for f in frequencies))
