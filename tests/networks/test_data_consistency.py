"""Data consistency keeps what was measured, and all its forms are one function."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DataConsistency, InputError
from kdmri_tf.physics import fourier

SIZES = [(16, 15), (31, 22)]
FORMS = ("auto", "rfft", "fft")  # for any mask
MASKS = ("points", "rows", "columns", "one of each")


@pytest.fixture(params=SIZES, ids=str)
def size(request):
    return request.param


@pytest.fixture(params=MASKS)
def sample(request, size):
    """Image, non-Hermitian noisy k-space and a non-symmetric mask."""
    generator = np.random.default_rng(0)
    image = generator.normal(size=(2, *size, 1)).astype(np.float32)
    drawn = generator.uniform(size=(2, *size)) < 0.3
    drawn[:, 0, 0] = True  # the zero frequency, as in every real mask
    masks = {
        "points": drawn,
        "rows": np.repeat(drawn[:, :, :1], size[1], axis=2),
        "columns": np.repeat(drawn[:, :1, :], size[0], axis=1),
    }
    masks["one of each"] = np.stack([masks["rows"][0], masks["columns"][1]])
    mask = masks[request.param].astype(np.float32)
    kspace = generator.normal(size=(2, *size, 2)).astype(np.float32)
    return image, kspace * mask[..., np.newaxis], mask


def reference(image, kspace, mask, weight):
    """The formula in NumPy; weight = lambda / (1 + lambda)."""
    predicted = np.fft.fft2(image[..., 0], norm="ortho")
    measured = kspace[..., 0] + 1j * kspace[..., 1]
    corrected = predicted + weight * mask * (measured - predicted)
    return np.fft.ifft2(corrected, norm="ortho").real[..., np.newaxis]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("noise_weight", "weight"), [(None, 1), (0.0, 0), (3.0, 0.75)])
def test_equals_the_formula(sample, form, noise_weight, weight):
    output = DataConsistency(noise_weight, form)(*sample)
    np.testing.assert_allclose(output, reference(*sample, weight), atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_gradient_equals_its_adjoint(sample, form):
    image, kspace, mask = (tf.constant(value) for value in sample)
    upstream = np.random.default_rng(1).normal(size=image.shape).astype(np.float32)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch((image, kspace))
            output = DataConsistency(3.0, form)(image, kspace, mask)
            product = tf.reduce_sum(output * upstream)
        return tape.gradient(product, (image, kspace))

    of_image, of_kspace = gradients()
    expected = reference(upstream, np.zeros_like(kspace), mask.numpy(), 0.75)
    np.testing.assert_allclose(of_image, expected, atol=1e-5)
    measured = 0.75 * np.fft.fft2(upstream[..., 0], norm="ortho") * mask.numpy()
    np.testing.assert_allclose(of_kspace[..., 0], measured.real, atol=1e-5)
    np.testing.assert_allclose(of_kspace[..., 1], measured.imag, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_unknown_sizes_in_a_graph(sample, form):
    free = [tf.TensorSpec((None, None, None, 1)), tf.TensorSpec((None, None, None, 2))]
    layer = DataConsistency(form=form)
    graph = tf.function(layer, input_signature=[*free, tf.TensorSpec((None, None, None))])
    np.testing.assert_allclose(graph(*sample), reference(*sample, 1), atol=1e-5)


def test_a_mask_of_lines_needs_no_fft(sample):
    """The matrices of the automatic form are those of x - A x, symmetric and circulant."""
    image, kspace, mask = sample
    measurement = DataConsistency().measure(kspace, mask)
    whole_rows = bool((mask == mask[:, :, :1]).all())
    assert bool(measurement["is_rows"]) == whole_rows
    if whole_rows:
        matrix = measurement["matrix"].numpy()
        np.testing.assert_allclose(matrix, matrix.transpose(0, 2, 1), atol=1e-6)
        np.testing.assert_allclose(matrix, np.roll(matrix, (1, 1), axis=(1, 2)), atol=1e-6)
        kept = reference(image, np.zeros_like(kspace), mask, 1)[..., 0]
        np.testing.assert_allclose(matrix @ image[..., 0], kept, atol=1e-5)


def test_on_a_gpu_nothing_is_a_matrix_product_and_xla_can_compile(sample, monkeypatch):
    """Matrix products are in TensorFloat-32 there; XLA needs equal shapes of both branches."""
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
    layer = DataConsistency()
    graph = tf.function(layer, jit_compile=True)
    np.testing.assert_allclose(graph(*sample), reference(*sample, 1), atol=1e-5)
    specs = [tf.TensorSpec.from_tensor(tf.constant(value)) for value in sample]
    operations = tf.function(layer).get_concrete_function(*specs).graph.get_operations()
    assert not {"BatchMatMulV2", "If", "StatelessIf"} & {node.type for node in operations}
    assert "RFFT2D" in {node.type for node in operations}


def test_keras_does_not_compile_by_xla():
    assert not DataConsistency().supports_jit


@pytest.mark.parametrize("form", FORMS)
def test_measured_samples_come_back_exactly(sample, form):
    image, _, mask = sample
    kspace = fourier.image_to_kspace(image[::-1].copy()) * mask[..., np.newaxis]
    symmetric = mask * np.roll(mask[:, ::-1, ::-1], (1, 1), axis=(1, 2))
    output = fourier.image_to_kspace(DataConsistency(form=form)(image, kspace, mask))
    # Of real images k and -k hold the same; where both were measured the real part changes nothing.
    difference = (output - kspace) * symmetric[..., np.newaxis]
    assert symmetric.any()
    np.testing.assert_allclose(difference, 0, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_and_everything_measured(sample, form):
    image, _, mask = sample
    nothing, everything = np.zeros_like(mask), np.ones_like(mask)
    kspace = fourier.image_to_kspace(image)
    layer = DataConsistency(form=form)
    np.testing.assert_allclose(layer(-image, kspace * 0, nothing), -image, atol=2e-6)
    np.testing.assert_allclose(layer(-image, kspace, everything), image, atol=2e-6)


@pytest.mark.parametrize("form", FORMS)
def test_consistency_is_a_projection(sample, form):
    image, kspace, mask = sample
    mask = np.maximum(mask, np.roll(mask[:, ::-1, ::-1], (1, 1), axis=(1, 2)))
    kspace = fourier.image_to_kspace(image * 2) * mask[..., np.newaxis]
    layer = DataConsistency(form=form)
    once = layer(image, kspace, mask)
    np.testing.assert_allclose(layer(once, kspace, mask), once, atol=1e-5)


def test_takes_numpys_default_types(sample):
    image, kspace, mask = sample
    output = DataConsistency()(image.astype(np.float64), kspace.astype(np.float64), mask > 0)
    assert output.dtype == tf.float32
    np.testing.assert_allclose(output, DataConsistency()(*sample), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_consistency_stays_in_float32(sample, form):
    layer = DataConsistency(form=form, dtype="mixed_bfloat16")
    assert layer.compute_dtype == "float32"
    np.testing.assert_array_equal(layer(*sample), DataConsistency(form=form)(*sample))


@pytest.mark.parametrize("noise_weight", [-1, float("nan"), float("inf")])
def test_bad_noise_weight(noise_weight):
    with pytest.raises(InputError, match=r"noise_weight must be a finite number >= 0.*got"):
        DataConsistency(noise_weight)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("known", [True, False], ids=["known size", "free size"])
def test_forms_of_lines(sample, axis, known):
    """Without FFT and complex numbers the same image, or none where the mask has other samples."""
    image, kspace, mask = sample
    form = ("rows", "columns")[axis]
    shapes = [value.shape if known else (None,) * 3 + value.shape[3:] for value in sample]
    graph = tf.function(
        DataConsistency(3.0, form), input_signature=[tf.TensorSpec(shape) for shape in shapes]
    )
    operations = {
        operation.type for operation in graph.get_concrete_function().graph.get_operations()
    }
    assert not {name for name in operations if "FFT" in name or "Complex" in name}
    measurement = DataConsistency(3.0, form).measure(kspace, mask)
    if (mask == np.take(mask, [0], axis=2 - axis)).all():
        expected = reference(image, kspace, mask, 0.75)
        np.testing.assert_allclose(graph(*sample), expected, atol=1e-5)
        zero_filled = DataConsistency().measure(kspace, mask)["magnitude"]
        np.testing.assert_allclose(measurement["magnitude"], zero_filled, atol=1e-5)
    else:
        assert np.isnan(graph(*sample)).all()
        assert np.isnan(measurement["magnitude"]).all()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lines", [[], [0], [-1], [2, 4]], ids=str)
def test_lines_that_nobody_measured_are_left_out(size, axis, lines):
    """Slices of one batch may have measured different lines, or none, or not the first."""
    generator = np.random.default_rng(1)
    image = generator.normal(size=(2, *size, 1)).astype(np.float32)
    mask = np.zeros((2, *size), np.float32)
    np.moveaxis(mask, 1 + axis, 1)[0, lines] = 1
    np.moveaxis(mask, 1 + axis, 1)[1, lines[:1]] = 1
    kspace = generator.normal(size=(2, *size, 2)).astype(np.float32) * mask[..., np.newaxis]
    sizes = (None,) * 3
    layer = DataConsistency(form=("rows", "columns")[axis])
    measure = tf.function(
        layer.measure, input_signature=[tf.TensorSpec((*sizes, 2)), tf.TensorSpec(sizes)]
    )
    measurement = measure(kspace, mask)
    zero_filled = np.fft.ifft2(kspace[..., 0] + 1j * kspace[..., 1], norm="ortho")
    np.testing.assert_allclose(measurement["magnitude"], np.abs(zero_filled), atol=1e-6)
    np.testing.assert_allclose(
        layer.correct(image, measurement), reference(image, kspace, mask, 1), atol=1e-5
    )


def test_bad_form():
    message = "Unknown data-consistency form 'dft'; choose one of auto, rfft, fft, rows, columns"
    with pytest.raises(InputError, match=message):
        DataConsistency(form="dft")


def test_config_round_trip():
    layer = DataConsistency(2.5, "rfft")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is DataConsistency
    assert copy.get_config() == layer.get_config()
