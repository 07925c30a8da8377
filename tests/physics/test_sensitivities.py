"""Coil sensitivities at low resolution: right, smooth, and the same in both libraries."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from simulated_coils import SIZE, coil_images, measure, smooth_maps, to_complex

from kdmri_tf import gaussian_mask, low_resolution_sensitivities
from kdmri_tf.physics.sensitivities import normalized


def measured(coils=4, noise=0.0):
    """Images of coils and their undersampled k-space, two slices, a mask each."""
    images = coil_images(coils, noise)
    masks = np.stack([gaussian_mask(SIZE, 2, center_lines=16, seed=seed) for seed in (0, 1)])
    return images, measure(images, masks[:, np.newaxis]), masks


@pytest.mark.parametrize("coils", [1, 4])
def test_both_libraries_agree(coils):
    _, kspace, masks = measured(coils, noise=0.02)
    in_graph = tf.function(low_resolution_sensitivities)
    by_tensorflow = in_graph(tf.constant(kspace), tf.constant(masks)).numpy()
    by_numpy = low_resolution_sensitivities(kspace, masks)
    assert by_numpy.dtype == by_tensorflow.dtype == np.float32
    difference = np.abs(by_tensorflow - by_numpy)
    assert np.quantile(difference, 0.99) < 1e-5
    assert difference.max() < 1e-4  # where coils see hardly anything, rounding counts
    np.testing.assert_allclose((by_numpy**2).sum(axis=(1, -1)), 1, atol=1e-5)


def test_sizes_may_be_unknown():
    _, kspace, masks = measured()
    signature = [tf.TensorSpec((None, None, None, None, 2)), tf.TensorSpec((None, None, None))]
    in_graph = tf.function(low_resolution_sensitivities, input_signature=signature)
    for end in (36, 33):
        some = kspace[:, :, :, :end], masks[:, :, :end]
        difference = np.abs(low_resolution_sensitivities(*some) - in_graph(*some))
        assert np.median(difference) < 1e-5


def test_one_slice_and_one_mask_of_many():
    _, kspace, masks = measured()
    kspace = kspace * masks[0][:, :, np.newaxis]
    alone = low_resolution_sensitivities(kspace[1], masks[0])
    together = low_resolution_sensitivities(kspace, np.stack([masks[0]] * 2))
    np.testing.assert_array_equal(alone, together[1])
    np.testing.assert_array_equal(low_resolution_sensitivities(kspace, masks[0]), together)


def test_known_maps_are_recovered():
    images, kspace, masks = measured()
    maps = to_complex(low_resolution_sensitivities(kspace, masks))
    combined = (maps.conj() * images).sum(axis=1)
    energy = np.linalg.norm(images)
    assert np.linalg.norm(maps * combined[:, np.newaxis] - images) < 0.07 * energy
    assert np.linalg.norm(combined.imag) < 0.07 * energy  # maps take the phase of the image
    # Without image content they are the known ones but for a phase that all coils share.
    known = smooth_maps(4)
    likeness = np.abs((maps.conj() * known).sum(axis=1))
    assert (likeness[np.abs(images).max(axis=1) > 0.2] > 0.97).mean() > 0.95


def test_one_coil_has_modulus_one():
    _, kspace, masks = measured(coils=1)
    maps = to_complex(low_resolution_sensitivities(kspace, masks))
    np.testing.assert_allclose(np.abs(maps), 1, atol=1e-5)


def test_scale_does_not_matter():
    _, kspace, masks = measured(noise=0.02)
    maps = low_resolution_sensitivities(kspace, masks)
    for scale in (1e-25, 1e20):
        scaled = low_resolution_sensitivities(kspace * np.float32(scale), masks)
        np.testing.assert_allclose(scaled, maps, atol=1e-4)


def test_nothing_gives_nothing():
    _, kspace, masks = measured()
    kspace[0] = 0  # a blank slice
    kspace[1, 2] = 0  # an empty coil
    for array in (np.asarray, tf.constant):
        maps = np.asarray(low_resolution_sensitivities(array(kspace), array(masks)))
        assert not maps[0].any()
        assert not maps[1, 2].any()
        np.testing.assert_allclose((maps[1] ** 2).sum(axis=(0, -1)), 1, atol=1e-5)


def test_normalized_keeps_zero():
    images = np.zeros((2, 3, 4, 2), np.float32)
    images[:, 1, 2, 1] = 3, 4
    np.testing.assert_allclose(normalized(images)[:, 1, 2, 1], [0.6, 0.8])
    assert np.count_nonzero(normalized(images)) == 2


def test_numpy_needs_no_tensorflow():
    code = (
        "import sys, numpy as np; from kdmri_tf import low_resolution_sensitivities as maps; "
        "maps(np.ones((2, 9, 9, 2), 'f4'), np.ones((9, 9), 'f4')); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
