"""random_shifts: the same body elsewhere."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import phantom_volume, random_shifts
from kdmri_tf.data.augmentation import check_augment


def shift_of(image, shifted):
    """Shift in pixels along both axes: where the circular cross-correlation is largest."""
    product = np.fft.fft2(shifted) * np.conj(np.fft.fft2(image))
    found = np.unravel_index(np.argmax(np.fft.ifft2(product).real), image.shape)
    return [
        int(pixels if 2 * pixels < size else pixels - size)
        for pixels, size in zip(found, image.shape, strict=True)
    ]


def test_all_shifts_up_to_an_eighth():
    image = phantom_volume("brain", (37, 32), 1, seed=3)[0]
    found = []
    for seed in range(120):
        shifted = random_shifts(tf.constant(image[..., np.newaxis]), (seed, 5))[..., 0].numpy()
        np.testing.assert_allclose(
            *(np.abs(np.fft.fft2(values)) for values in (shifted, image)), atol=1e-3
        )
        found.append(shift_of(image, shifted))
        np.testing.assert_array_equal(shifted, np.roll(image, found[-1], (0, 1)))
    down, right = np.transpose(found)
    assert set(down) == set(range(-4, 5))
    assert set(right) == set(range(-4, 5))
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.3


@pytest.mark.parametrize("coils", [None, 3])
def test_fits_images_and_raw_kspace(coils):
    check_augment(random_shifts, (18, 16), coils)


def test_coils_move_together():
    images = tf.random.stateless_normal((3, 16, 16, 2), (0, 1))
    shifted = random_shifts(images, (4, 2)).numpy()
    for coil in range(3):
        one = random_shifts(images[coil], (4, 2)).numpy()
        np.testing.assert_array_equal(shifted[coil], one)
