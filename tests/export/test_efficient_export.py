"""Exports of networks beyond the papers: unshuffled, shared, with memory, expanded."""

import keras
import numpy as np
import pytest

from kdmri_tf import DCCNN, Reconstructor
from kdmri_tf.export.check_samples import pair_of, samples_of
from kdmri_tf.export.export_network import export_network

SUFFIXES = {"saved_model": "", "litert": ".tflite", "onnx": ".onnx", "openvino": ""}
NAME = "D3C2-unshuffle2-shared-memory3-expansion2-final2"
ODD = (39, 37)
LARGER = (44, 51)


def inputs_of(network, size):
    """Inputs of synthetic slices; other ones than the export was checked on."""
    samples = samples_of({}, network, size, 0, coils=None)
    return pair_of(samples.degradation, samples.calibration[:2])[0]


@pytest.mark.parametrize("format", SUFFIXES)
def test_exports_agree_at_odd_sizes_and_at_others(format, tmp_path):
    keras.utils.set_random_seed(0)
    network = DCCNN.from_name(NAME, filters=8)
    path = tmp_path / f"student{SUFFIXES[format]}"
    exported = export_network(network, path, format, image_size=ODD, phase_encode_axis=0)
    assert exported.difference < 1e-5
    reconstruct = Reconstructor(path)
    for size in (ODD,) if format == "litert" else (ODD, LARGER):
        inputs = inputs_of(network, size)
        image = reconstruct(inputs["kspace"], inputs["mask"])
        np.testing.assert_allclose(image, network(inputs), atol=1e-5)


def test_complex_images_with_several_steps(tmp_path):
    keras.utils.set_random_seed(0)
    network = DCCNN.from_name(
        "D2C2-unshuffle2",
        filters=8,
        complex_images=True,
        noise_weight="learned",
        consistency_steps=3,
    )
    for format in ("litert", "onnx"):
        path = tmp_path / f"student{SUFFIXES[format]}"
        layout = {"image_size": ODD, "phase_encode_axis": 1, "coils": 3}
        assert export_network(network, path, format, **layout).difference < 1e-5
