"""The operator A = M F S: its adjoint, its norm, and what sigpy makes of the same."""

import numpy as np
import pytest
import tensorflow as tf
from needed_packages import needed

from kdmri_tf import InputError, SenseOperator

SIZES = [(8, 6), (9, 7), (12, 11)]


def complex_values(rng, *shape):
    return rng.normal(size=(*shape, 2)).astype(np.float32)


def coil_maps(rng, *shape):
    """Maps `(batch, coils, H, W, 2)` whose squares sum to 1 over the coils."""
    maps = complex_values(rng, *shape)
    return maps / np.sqrt(np.sum(maps**2, axis=(1, 4), keepdims=True))


@pytest.fixture(params=SIZES, ids=lambda size: "{}x{}".format(*size))
def measured(request):
    """(mask, sensitivities, image, kspace) of random numbers; the mask is not symmetric."""
    rng = np.random.default_rng(0)
    size = request.param
    mask = (rng.random((2, *size)) < 0.4).astype(np.float32)
    return (
        mask,
        coil_maps(rng, 2, 3, *size),
        complex_values(rng, 2, *size),
        complex_values(rng, 2, 3, *size),
    )


def inner(first, second):
    """<a, b> of complex numbers in float32 pairs, without the axis of pairs."""
    first, second = (np.asarray(x)[..., 0] + 1j * np.asarray(x)[..., 1] for x in (first, second))
    return np.vdot(first.astype(np.complex128), second.astype(np.complex128))


@pytest.mark.parametrize("has_coils", [True, False])
def test_the_adjoint_is_the_adjoint(measured, has_coils):
    mask, sensitivities, image, kspace = measured
    kspace = kspace if has_coils else kspace[:, :1]
    operator = SenseOperator(mask, sensitivities if has_coils else None)
    there = inner(operator.forward(image), kspace)
    back = inner(image, operator.adjoint(kspace))
    assert abs(there - back) < 1e-5 * abs(there)


@pytest.mark.parametrize("has_coils", [True, False])
def test_the_normal_operator_is_both_after_each_other(measured, has_coils):
    mask, sensitivities, image, _ = measured
    operator = SenseOperator(mask, sensitivities if has_coils else None)
    expected = operator.adjoint(operator.forward(image))
    np.testing.assert_allclose(operator.normal(image), expected, atol=1e-6)


def test_kspace_is_zero_where_it_is_not_measured(measured):
    mask, sensitivities, image, _ = measured
    kspace = SenseOperator(mask, sensitivities).forward(image).numpy()
    assert np.all(kspace[np.broadcast_to(mask[:, np.newaxis] == 0, kspace.shape[:-1])] == 0)


def test_everything_measured_is_unitary_where_the_squares_sum_to_one(measured):
    mask, sensitivities, image, _ = measured
    operator = SenseOperator(np.ones_like(mask), sensitivities)
    np.testing.assert_allclose(operator.normal(image), image, atol=1e-5)
    np.testing.assert_allclose(operator.norm(), 1, rtol=1e-5)


def test_the_norm_is_that_of_the_matrix(measured):
    mask, sensitivities, _, _ = measured
    mask, sensitivities = mask[:1], sensitivities[:1]
    size = mask.shape[1:]
    pixels = np.prod(size)
    images = np.zeros((2 * pixels, *size, 2), np.float32)
    images.reshape(2 * pixels, -1)[:] = np.eye(2 * pixels)
    many = len(images)
    operator = SenseOperator(np.repeat(mask, many, 0), np.repeat(sensitivities, many, 0))
    matrix = operator.forward(images).numpy().reshape(many, -1)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    estimate = SenseOperator(mask, sensitivities).norm(iterations=300).numpy()[0]
    assert estimate == pytest.approx(largest, rel=1e-3)
    assert estimate <= largest * (1 + 1e-5)


def test_sigpy_measures_the_same(measured):
    linop = needed("sigpy.mri.linop")
    mask, sensitivities, image, kspace = measured
    operator = SenseOperator(mask, sensitivities)
    forward, adjoint = operator.forward(image), operator.adjoint(kspace)
    in_plane = (-2, -1)

    def as_sigpy(values):  # which has the zero frequency, and the image, in the centre
        return np.fft.fftshift(values[..., 0] + 1j * values[..., 1], axes=in_plane)

    for index in range(len(mask)):
        weights = np.fft.fftshift(mask[index])
        theirs = linop.Sense(as_sigpy(sensitivities[index]), weights=weights)
        ours = as_sigpy(forward.numpy()[index])
        np.testing.assert_allclose(ours, theirs * as_sigpy(image[index]), atol=1e-5)
        ours = as_sigpy(adjoint.numpy()[index])
        np.testing.assert_allclose(ours, theirs.H * as_sigpy(kspace[index]), atol=1e-5)


def test_gradients_flow_through_it(measured):
    mask, sensitivities, image, kspace = measured
    operator = SenseOperator(mask, sensitivities)
    image = tf.constant(image)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.reduce_sum((operator.forward(image) - kspace) ** 2) / 2
    expected = operator.adjoint(operator.forward(image) - kspace)
    # The loss also counts k-space that is not measured, which depends on nothing.
    np.testing.assert_allclose(tape.gradient(loss, image), expected, atol=1e-5)


def test_several_coils_need_their_sensitivities(measured):
    mask, _, _, kspace = measured
    with pytest.raises(InputError, match="kspace has 3 coils: give their sensitivities as well"):
        SenseOperator(mask).adjoint(kspace)
    free = tf.TensorSpec((None, None, *kspace.shape[2:]), tf.float32)
    adjoint = tf.function(SenseOperator(mask).adjoint, input_signature=[free])
    expected = r"not compatible with expected shape \[\?,1,\?,\?\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
        adjoint(kspace)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 6, 2), r"sensitivities must have shape \(batch, coils, height, width, 2\)"),
        ((2, 3, 8, 6, 3), r"got shape \(2, 3, 8, 6, 3\)"),
        ((2, 3, 6, 8, 2), r"mask must have shape \(batch, height, width\) to match sensitivities"),
    ],
)
def test_sensitivities_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(InputError, match=message):
        SenseOperator(np.ones((2, 8, 6), np.float32), np.ones(shape, np.float32))
