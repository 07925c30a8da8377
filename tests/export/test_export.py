"""Exported networks compute what the network does, in every format, or are not kept."""

import copy
import logging
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from needed_packages import needed
from stand_in import randomized

from kdmri_tf import DCCNN, VDSR, Reconstructor, Undersampling, export_network
from kdmri_tf.export.check_samples import Samples, samples_of, synthetic_samples
from kdmri_tf.export.formats import FORMATS

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "openvino"):
    needed(package)
onnx, tf2onnx = needed("onnx"), needed("tf2onnx")
logging.getLogger("absl").setLevel(logging.ERROR)  # the converters' reports

SUFFIXES = {name: kind.suffix for name, kind in FORMATS.items()}
REDUCED = [
    ("saved_model", "bfloat16"),
    ("litert", "float16"),
    ("litert", "int8"),
    ("onnx", "float16"),
    ("onnx", "int8"),
    ("openvino", "bfloat16"),
]
RUN_ALONE = """
import sys
import numpy as np
import tensorflow as tf

model, inputs, output = sys.argv[1:]
signature = tf.saved_model.load(model).signatures["serving_default"]
arrays = np.load(inputs)
image = signature(kspace=tf.constant(arrays["kspace"]), mask=tf.constant(arrays["mask"]))["image"]
np.save(output, image)
assert "kdmri_tf" not in sys.modules
"""
EXPORT_ALONE = """
import sys
import kdmri_tf

network = kdmri_tf.DCCNN(2, 1, filters=2)
assert not any(name.startswith("kdmri_tf.export") for name in sys.modules)
network.export(sys.argv[1])
assert "kdmri_tf.export.export_network" in sys.modules
"""


@pytest.fixture(scope="module", params=SUFFIXES)
def exported(request, tmp_path_factory, model, samples):
    """An export in each format."""
    path = tmp_path_factory.mktemp("exported") / f"student{SUFFIXES[request.param]}"
    export_network(model, path, request.param, samples=samples, metadata={"source": "synthetic"})
    return path


def test_agrees_with_the_network_at_any_batch_size(exported, model, samples):
    """The export has seen batches of four; a batch of one and a larger one agree as well."""
    reconstruct = Reconstructor(exported)
    for images in (samples.images[:1], samples.calibration[:7]):
        inputs = {k: np.asarray(v) for k, v in samples.degradation.apply(images).items()}
        image = reconstruct(*inputs.values())
        assert image.dtype == np.float32
        np.testing.assert_allclose(image, model(inputs), atol=1e-5)


@pytest.mark.parametrize("lines", [[], [-1]], ids=["nothing", "last line"])
def test_agrees_where_the_first_line_is_not_measured(exported, model, lines):
    mask = np.zeros((2, 48, 45), np.float32)
    mask[0, lines] = 1
    kspace = np.random.default_rng(0).normal(size=(2, 48, 45, 2)).astype(np.float32)
    inputs = {"kspace": kspace * mask[..., np.newaxis], "mask": mask}
    np.testing.assert_allclose(Reconstructor(exported)(*inputs.values()), model(inputs), atol=1e-5)


def test_metadata_travels_along(exported):
    reconstruct = Reconstructor(exported)
    metadata = reconstruct.metadata
    assert metadata["source"] == "synthetic"
    assert metadata["architecture"] == "D3C2"
    assert metadata["inputs"] == ["kspace", "mask"]
    is_litert = exported.suffix == ".tflite"
    assert metadata["exported_image_size"] == ([48, 45] if is_litert else None)
    assert metadata["exported_phase_encode_axis"] == (
        None if reconstruct.format == "saved_model" else 0
    )


def test_litert_keeps_no_date(exported):
    """So that the same network makes the same file; and what is unzipped can be read."""
    if exported.suffix == ".tflite":
        with zipfile.ZipFile(exported) as archive:
            (entry,) = archive.infolist()
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o644


@pytest.mark.parametrize("format", ["saved_model", "onnx", "openvino"])
def test_takes_other_sizes(format, tmp_path, model, samples, inputs):
    path = tmp_path / f"student{SUFFIXES[format]}"
    export_network(model, path, format, samples=samples)
    image = Reconstructor(path)(inputs["kspace"], inputs["mask"])
    np.testing.assert_allclose(image, model(inputs), atol=1e-5)


@pytest.mark.parametrize(("format", "quantize"), REDUCED)
def test_reduced_precision_is_near_and_small(format, quantize, tmp_path, samples):
    keras.utils.set_random_seed(0)
    network = DCCNN(4, 1)  # most of its file are the weights
    path = tmp_path / f"student{SUFFIXES[format]}"
    agreement = export_network(network, path, format, quantize, samples=samples, largest_loss=0.5)
    assert 1e-6 < agreement.difference < 0.1
    assert abs(agreement.loss) < 0.5
    assert Reconstructor(path).metadata["quantize"] == quantize
    if format in ("litert", "onnx"):
        bytes_a_weight = {"float16": 2, "int8": 1}[quantize]
        assert path.stat().st_size < bytes_a_weight * network.count_params() + 40_000


@pytest.mark.parametrize("name", ["dccnn", "vdsr"])
def test_openvino_computes_convolutions_alone_in_bfloat16(tmp_path, name):
    """With biases and ReLUs: of every row of them only the ends are cast."""
    import openvino

    networks = {"dccnn": DCCNN(4, 2, filters=8), "vdsr": randomized(VDSR(4, filters=8))}
    network = networks[name]
    samples = synthetic_samples(network.degradation, (40, 36))
    export_network(
        network, tmp_path / "a", "openvino", "bfloat16", samples=samples, largest_loss=0.5
    )
    model = openvino.Core().read_model(tmp_path / "a" / "model.xml")
    nodes = {}
    for node in model.get_ordered_ops():
        nodes.setdefault(node.get_type_name(), []).append(node)

    def precisions(name):
        return [n.get_output_element_type(0).get_type_name() for n in nodes.get(name, [])]

    blocks = len(network.blocks)
    assert precisions("Convolution") == ["bf16"] * 5 * blocks  # the last of a block is split
    assert precisions("Relu").count("bf16") == 3 * blocks
    assert precisions("Add").count("bf16") == 4 * blocks
    assert precisions("Convert").count("bf16") == blocks
    cast = [node.get_input_element_type(0).get_type_name() for node in nodes["Convert"]]
    assert cast.count("bf16") == blocks
    assert set(precisions("MatMul")) <= {"f32"}
    assert (tmp_path / "a" / "model.bin").stat().st_size < 2 * network.count_params() + 20_000


@pytest.mark.parametrize("format", SUFFIXES)
def test_masks_of_columns(format, tmp_path, model):
    samples = synthetic_samples(Undersampling(_columns((40, 36))), (40, 36))
    path = tmp_path / f"student{SUFFIXES[format]}"
    assert export_network(model, path, format, samples=samples).difference <= 1e-5


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_large_images(format, tmp_path):
    """Of the largest official size; the angles of the inverse FFT lose nothing to their size."""
    network, size = DCCNN(2, 2, filters=2), (640, 368)
    samples = synthetic_samples(Undersampling(_columns(size)), size)
    samples = Samples(samples.images[:2], samples.calibration[:1], samples.degradation, "two")
    path = tmp_path / f"student{SUFFIXES[format]}"
    assert export_network(network, path, format, samples=samples).difference < 4e-6


@pytest.mark.parametrize("format", SUFFIXES)
def test_super_resolution(format, tmp_path):
    keras.utils.set_random_seed(0)
    network = randomized(VDSR(3, filters=4))
    path = tmp_path / f"student{SUFFIXES[format]}"
    export_network(network, path, format, samples=synthetic_samples(network.degradation, (40, 36)))
    reconstruct = Reconstructor(path)
    assert reconstruct.input_names == ("low_resolution",)
    low = np.random.default_rng(1).random((2, 40, 36, 1), np.float32)
    np.testing.assert_allclose(reconstruct(low), network({"low_resolution": low}), atol=1e-5)


def test_a_network_of_mixed_precision_is_exported_in_float32(tmp_path, model, samples):
    mixed = DCCNN(3, 2, filters=8, dtype="mixed_bfloat16")
    mixed.set_weights(model.get_weights())
    mixed.export(tmp_path / "model", samples=samples)
    inputs = {k: np.asarray(v) for k, v in samples.degradation.apply(samples.images).items()}
    image = Reconstructor(tmp_path / "model")(*inputs.values())
    np.testing.assert_allclose(image, model(inputs), atol=1e-5)


@pytest.mark.slow
def test_networks_reach_the_formats_without_importing_them(tmp_path):
    """By the hook that `import kdmri_tf` fills."""
    command = [sys.executable, "-c", EXPORT_ALONE, str(tmp_path / "model")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_a_saved_model_runs_in_a_process_that_imports_tensorflow_alone(tmp_path, model, inputs):
    model.export(tmp_path / "model")
    np.savez(tmp_path / "inputs.npz", **inputs)
    paths = (tmp_path / name for name in ("model", "inputs.npz", "image.npy"))
    subprocess.run(
        [sys.executable, "-c", RUN_ALONE, *paths], check=True, capture_output=True, cwd=tmp_path
    )
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), model(inputs), atol=1e-5)


def test_a_saved_model_is_served_as_by_a_server(tmp_path, model, inputs):
    """TensorFlow Serving restores variables by the graph's own saver, not as Python does."""
    model.export(tmp_path / "model")
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "model"))
        signature = loaded.signature_def["serving_default"]
        feed = {signature.inputs[name].name: value for name, value in inputs.items()}
        image = session.run(signature.outputs["image"].name, feed)
    np.testing.assert_allclose(image, model(inputs), atol=1e-5)


def test_signature_of_a_saved_model_is_named_float32_and_free_in_size(tmp_path, model):
    model.export(tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "kspace": (tf.float32, [None, None, None, 2]),
        "mask": (tf.float32, [None, None, None]),
    }
    assert list(signature.structured_outputs) == ["image"]
    assert signature.structured_outputs["image"].dtype == tf.float32


def test_samples_are_as_the_network_was_trained_on(model, tiny_source):
    metadata = {
        "dataset": "cardiac",
        "source": "folder",
        "image_size": [36, 34],
        "acceleration": 2,
        "phase_encode_axis": 0,
        "measured_lines": [0, 1, 2, 35],
    }
    places = {name: tiny_source[name] for name in ("manual_dir", "data_dir")}
    before = copy.deepcopy(metadata)
    real = samples_of(metadata, model, **places)
    assert real.origin == "4 validation slices of cardiac (folder)"
    assert real.images.shape == (4, 36, 34, 1)
    assert real.calibration.shape == (6, 36, 34, 1)
    mask = real.degradation.sampled((36, 34))
    assert np.flatnonzero(mask.all(axis=1)).tolist() == [0, 1, 2, 35]
    assert mask.sum() == 4 * 34
    synthetic = samples_of(metadata, model, image_size=(40, 48), phase_encode_axis=1)
    assert synthetic.origin == "8 synthetic cardiac slices"
    mask = synthetic.degradation.sampled((40, 48))
    assert (mask == mask[:1]).all()
    assert 0 < mask.mean() < 1
    np.testing.assert_allclose(synthetic.images.max((1, 2, 3)), 1)
    assert metadata == before


def _columns(size):
    mask = np.zeros(size, np.float32)
    mask[:, ::3] = 1
    return mask
