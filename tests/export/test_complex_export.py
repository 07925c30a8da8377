"""Exports of networks of complex images, of one coil and several."""

import keras
import numpy as np
import pytest

from kdmri_tf import DCCNN, ComplexUndersampling, InputError, Reconstructor
from kdmri_tf.export.check_samples import CALIBRATION, pair_of, samples_of
from kdmri_tf.export.export_network import export_network

SUFFIXES = {"saved_model": "", "litert": ".tflite", "onnx": ".onnx", "openvino": ""}
SIZE = (40, 36)


@pytest.fixture(scope="module")
def network():
    """A small network with random weights."""
    keras.utils.set_random_seed(0)
    return DCCNN(3, 2, filters=8, complex_images=True, noise_weight="learned")


@pytest.fixture(scope="module", params=SUFFIXES)
def exported(request, tmp_path_factory, network):
    """An export for several coils in each format, with the network's mask of columns."""
    path = tmp_path_factory.mktemp("exported") / f"student{SUFFIXES[request.param]}"
    layout = {"image_size": SIZE, "phase_encode_axis": 1, "coils": 3}
    agreement = export_network(network, path, request.param, **layout)
    assert agreement.difference < 1e-5
    return path


def inputs_of(network, coils, axis=1):
    """(inputs, target) of synthetic slices; other ones than the export was checked on."""
    samples = samples_of({}, network, SIZE, axis, coils=coils)
    return pair_of(samples.degradation, samples.calibration[:2])


def test_every_slice_is_scanned_anew(network):
    """To calibrate on and to check on: scans differ, of the same image as well."""
    samples = samples_of({}, network, SIZE, 1, coils=2)
    image = samples.calibration[:1]
    scans = [
        pair_of(samples.degradation, images, first)[0]["kspace"][0]
        for images, first in ((image, (0, 0)), (image, (1, 0)), (image, (0, CALIBRATION)))
    ]
    assert all(np.abs(scans[0] - scan).max() > 0.01 for scan in scans[1:])
    both = pair_of(samples.degradation, np.repeat(image, 2, axis=0))[0]["kspace"]
    np.testing.assert_allclose(both, scans[:2], atol=1e-6)


def test_several_coils_agree_with_the_network(exported, network):
    inputs, _ = inputs_of(network, 3)
    reconstruct = Reconstructor(exported)
    assert reconstruct.complex_images
    assert reconstruct.input_names == ("kspace", "mask", "sensitivities")
    image = reconstruct(*inputs.values())
    assert image.shape == (2, *SIZE, 2)
    np.testing.assert_allclose(image, network(inputs), atol=1e-5)


def test_the_number_of_coils_is_free_or_named(exported, network):
    inputs, _ = inputs_of(network, 5)
    reconstruct = Reconstructor(exported)
    if reconstruct.format == "litert":
        with pytest.raises(InputError, match=r"exported for 3 coils, but the k-space has 5: exp"):
            reconstruct(*inputs.values())
    else:
        image = reconstruct(*inputs.values())
        np.testing.assert_allclose(image, network(inputs), atol=1e-5)


def test_several_coils_without_sensitivities_are_refused(exported, network):
    inputs, _ = inputs_of(network, 3)
    with pytest.raises(InputError, match="kspace has 3 coils: give their sensitivities"):
        Reconstructor(exported)(inputs["kspace"], inputs["mask"])
    with pytest.raises(InputError, match="sensitivities must have the shape of kspace"):
        Reconstructor(exported)(inputs["kspace"], inputs["mask"], inputs["sensitivities"][:, :2])


@pytest.mark.parametrize("format", SUFFIXES)
def test_sensitivities_of_one_coil_may_be_left_out(format, tmp_path, network):
    path = tmp_path / f"student{SUFFIXES[format]}"
    layout = {"image_size": SIZE, "phase_encode_axis": 0, "coils": 1}
    assert export_network(network, path, format, **layout).difference < 1e-5
    reconstruct = Reconstructor(path)
    assert reconstruct.input_names == ("kspace", "mask", "sensitivities")
    assert reconstruct.coils == 1
    inputs, _ = inputs_of(network, 1, axis=0)
    np.testing.assert_allclose(reconstruct(*inputs.values()), network(inputs), atol=1e-5)
    image = reconstruct(inputs["kspace"][:, 0], inputs["mask"])  # without an axis of coils
    alone = {name: inputs[name] for name in ("kspace", "mask")}
    np.testing.assert_allclose(image, network(alone), atol=1e-5)


@pytest.mark.parametrize(
    ("format", "quantize"),
    [("onnx", "int8"), ("litert", "int8"), ("openvino", "bfloat16"), ("saved_model", "bfloat16")],
)
def test_reduced_precision_costs_little(format, quantize, tmp_path, network):
    path = tmp_path / f"student{SUFFIXES[format]}"
    layout = {"image_size": SIZE, "phase_encode_axis": 1, "coils": 2, "largest_loss": 0.5}
    agreement = export_network(network, path, format, quantize, **layout)
    assert 0 < agreement.difference < 0.1


def test_a_keras_file_takes_one_coil_and_several(tmp_path, network):
    network.save(tmp_path / "student.keras")
    reconstruct = Reconstructor(tmp_path / "student.keras")
    for coils in (1, 3):
        inputs, _ = inputs_of(network, coils)
        image = reconstruct(*inputs.values())
        np.testing.assert_allclose(image, network(inputs), atol=1e-5)


def test_a_network_of_magnitudes_says_which_kind_is_needed(tmp_path):
    DCCNN(2, 1, filters=2).save(tmp_path / "student.keras")
    reconstruct = Reconstructor(tmp_path / "student.keras")
    with pytest.raises(InputError, match=r"axis of coils.*use a network of complex images"):
        reconstruct(np.ones((1, 3, *SIZE, 2)), np.ones(SIZE))


def test_coils_of_a_network_of_magnitudes_are_refused(tmp_path):
    with pytest.raises(InputError, match="magnitude images of one coil: leave coils out"):
        export_network(DCCNN(2, 1, filters=2), tmp_path / "model", coils=3)


def test_raw_kspace_can_be_checked_on(tmp_path, network):
    from kdmri_tf.export.check_samples import Samples

    samples = samples_of({}, network, SIZE, 1, coils=3)
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(2, 3, *SIZE, 2)).astype(np.float32)
    degradation = ComplexUndersampling(samples.degradation.mask, coils=3)
    samples = Samples(raw, raw, degradation, "noise")
    assert samples.image_size == SIZE
    assert export_network(network, tmp_path / "model", samples=samples).difference < 1e-5


@pytest.mark.parametrize("format", SUFFIXES)
def test_sensitivities_are_estimated_inside_where_asked(format, tmp_path, network):
    path = tmp_path / f"student{SUFFIXES[format]}"
    layout = {"image_size": SIZE, "phase_encode_axis": 1, "coils": 3}
    agreement = export_network(network, path, format, estimates_sensitivities=True, **layout)
    assert agreement.difference < 1e-5
    reconstruct = Reconstructor(path)
    assert reconstruct.input_names == ("kspace", "mask")
    inputs, _ = inputs_of(network, 3)
    image = reconstruct(inputs["kspace"], inputs["mask"])
    np.testing.assert_allclose(image, network(inputs), atol=1e-5)


def test_there_must_be_sensitivities_to_estimate(tmp_path):
    magnitudes = DCCNN(2, 1, filters=2)
    with pytest.raises(InputError, match="no sensitivities to estimate: the export is not for"):
        export_network(magnitudes, tmp_path / "model", estimates_sensitivities=True)


def test_the_phase_of_one_coil_may_be_estimated_as_well(tmp_path, network):
    layout = {"image_size": SIZE, "phase_encode_axis": 0, "coils": 1}
    path = tmp_path / "student.tflite"
    export_network(network, path, "litert", **layout, estimates_sensitivities=True)
    inputs, _ = inputs_of(network, 1, axis=0)
    image = Reconstructor(path)(inputs["kspace"], inputs["mask"])
    np.testing.assert_allclose(image, network(inputs), atol=1e-5)


@pytest.mark.parametrize("complex_images", [False, True])
def test_raw_sources_give_what_the_network_takes(complex_images, monkeypatch):
    """Magnitudes for a network of magnitudes, whose source has k-space as well."""
    asked = []

    def prepare(*places, coils, **others):
        asked.append(coils)
        raise InputError("no files here")

    monkeypatch.setattr("tfds_builders.prepare.prepare", prepare)
    metadata = {"dataset": "knee", "source": "fastmri_multicoil", "image_size": SIZE}
    network = DCCNN(2, 1, filters=2, complex_images=complex_images)
    with pytest.raises(InputError, match="no files here"):
        samples_of(metadata, network, manual_dir="data")
    assert asked == [8 if complex_images else None]
