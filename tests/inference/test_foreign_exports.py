"""Files that others wrote, or damaged, end in a sentence: metadata, signatures, outputs, sizes."""

import json
import shutil
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from needed_packages import needed

from kdmri_tf import DCCNN, InputError, Reconstructor, Undersampling, export_network
from kdmri_tf.export.check_samples import synthetic_samples
from kdmri_tf.export.export_trained import export_trained
from kdmri_tf.inference.network_facts import RULES, read_export_facts, wrong_fact

onnx = needed("onnx")
openvino = needed("openvino")
for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "tf2onnx"):
    needed(package)

SIZE = (40, 36)
NAMES = {"saved_model": "a", "litert": "a.tflite", "onnx": "a.onnx", "openvino": "b"}
GOOD = {"inputs": ["kspace", "mask"], "exported_phase_encode_axis": 0}
WRONG = [
    ({"inputs": 5}, r"metadata has inputs 5, not \[\"kspace\", \"mask\"\] or"),
    ({"inputs": ["mask", "kspace"]}, r"metadata has inputs \[\"mask\", \"kspace\"\], not"),
    ({"inputs": ["low_resolution"]}, r"it takes \['kspace', 'mask'\], but its metadata says"),
    ({"exported_phase_encode_axis": "0"}, 'exported_phase_encode_axis is "0" there, but must be 0'),
    ({"phase_encode_axis": 2}, "phase_encode_axis is 2 there, but must be 0 or 1"),
    ({"phase_encode_axis": True}, "phase_encode_axis is true there, but must be 0 or 1"),
    ({"measured_lines": [0, -1]}, r"measured_lines is \[0, -1\] there, but must be a list"),
    ({"measured_lines": "abc"}, 'measured_lines is "abc" there, but must be a list'),
    ({"image_size": [30]}, r"image_size is \[30\] there, but must be a height and a width"),
    ({"acceleration": float("nan")}, "acceleration is NaN there, but must be a number of at least"),
    ({"architecture": {"a": 1}}, r"architecture is \{\"a\": 1\} there, but must be a text"),
    ({"dataset": ["brain"]}, r"dataset is \[\"brain\"\] there, but must be a text"),
]


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A network in every format."""
    folder, samples = tmp_path_factory.mktemp("exports"), synthetic_samples(Undersampling, SIZE)
    for format, name in NAMES.items():
        export_network(DCCNN(2, 1, filters=2), folder / name, format, samples=samples)
    return folder


def with_metadata(exports, folder, format, text):
    """The export with other metadata; its path."""
    source, path = exports / NAMES[format], folder / NAMES[format]
    if format == "saved_model":
        shutil.copytree(source, path)
        (path / "assets.extra" / "metadata.json").write_text(text)
    elif format == "litert":
        with zipfile.ZipFile(source) as archive:
            start = min(entry.header_offset for entry in archive.infolist())
        path.write_bytes(source.read_bytes()[:start])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("metadata.json", text)
    elif format == "onnx":
        model = onnx.load(source)
        model.metadata_props[0].value = text
        onnx.save(model, path)
    else:
        model = openvino.Core().read_model(source / "model.xml")
        model.set_rt_info(text, ["metadata"])
        path.mkdir()
        openvino.save_model(model, path / "model.xml", compress_to_fp16=False)
    return path


@pytest.mark.parametrize("format", NAMES)
def test_metadata_that_cannot_be(exports, tmp_path, format):
    facts = Reconstructor(exports / NAMES[format]).metadata
    cases = [(json.dumps({**facts, **change}), message) for change, message in WRONG]
    cases += [
        ("[1, 2]", "its metadata is not a JSON object"),
        ("{", "its metadata is damaged: "),
        ("[" * 100_000, "its metadata is damaged: "),
    ]
    for number, (text, message) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = with_metadata(exports, folder, format, text)
        with pytest.raises(InputError, match=rf"{path.name} is not a readable model \(.*{message}"):
            Reconstructor(path)


def test_every_fact_that_is_used_has_a_rule():
    for name in RULES:
        assert wrong_fact({name: object()}).startswith(f"{name} is ")
        assert wrong_fact({name: None}) is None
    lines = {"phase_encode_axis": 1, "image_size": [9, 4], "measured_lines": [4]}
    assert wrong_fact(lines) == "measured_lines has line 4, but an image has 4 lines"
    assert wrong_fact(lines | {"phase_encode_axis": 0}) is None
    assert read_export_facts(json.dumps(GOOD | {"of a later version": [{}]}))["inputs"]


def test_a_small_file_whose_metadata_unpacks_to_gigabytes(exports, tmp_path):
    path = tmp_path / "a.tflite"
    shutil.copy(exports / "a.tflite", path)
    with zipfile.ZipFile(exports / "a.tflite") as archive:
        start = min(entry.header_offset for entry in archive.infolist())
    path.write_bytes((exports / "a.tflite").read_bytes()[:start])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("metadata.json", "w") as file,
    ):
        for _ in range(64):
            file.write(bytes(2**20))
    with pytest.raises(InputError, match=r"a\.tflite is not .*unpacks to more than 1,048,576 byte"):
        Reconstructor(path)


def test_files_without_metadata(exports, tmp_path):
    with zipfile.ZipFile(exports / "a.tflite") as archive:
        start = min(entry.header_offset for entry in archive.infolist())
    (tmp_path / "a.tflite").write_bytes((exports / "a.tflite").read_bytes()[:start])
    model = onnx.load(exports / "a.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "a.onnx")
    tf.saved_model.save(tf.Module(), str(tmp_path / "a"))
    for name in ("a.tflite", "a.onnx", "a"):
        with pytest.raises(InputError, match="no metadata: kdmri export makes"):
            Reconstructor(tmp_path / name)


def test_a_foreign_saved_model_is_not_even_loaded(tmp_path, monkeypatch):
    """Loading runs what it likes to run first."""
    tf.saved_model.save(tf.Module(), str(tmp_path / "a"))
    monkeypatch.setattr(tf.saved_model, "load", lambda path: pytest.fail("loaded"))
    with pytest.raises(InputError, match="no metadata"):
        Reconstructor(tmp_path / "a")


def small_onnx(path, dtype="FLOAT", cast=None, shape=(), inputs=None, output="image"):
    """A network that gives the sums of k-space, as `cast`, reshaped."""
    helper, kinds = onnx.helper, onnx.TensorProto
    inputs = inputs or {"kspace": (None, None, None, 2), "mask": (None, None, None)}
    axes = onnx.numpy_helper.from_array(np.array([3]), "axes")
    nodes = [helper.make_node("ReduceSum", [next(iter(inputs)), "axes"], ["sum"])]
    last, constants = "sum", [axes]
    if cast:
        nodes.append(helper.make_node("Cast", [last], ["cast"], to=getattr(kinds, cast)))
        last = "cast"
    if shape:
        constants.append(onnx.numpy_helper.from_array(np.array(shape), "shape"))
        nodes.append(helper.make_node("Reshape", [last, "shape"], ["reshaped"]))
        last = "reshaped"
    nodes.append(helper.make_node("Identity", [last], [output]))
    kind = getattr(kinds, cast or dtype)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(k, getattr(kinds, dtype), v) for k, v in inputs.items()],
        [helper.make_tensor_value_info(output, kind, None)],
        constants,
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    helper.set_model_props(model, {"metadata": json.dumps(GOOD)})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cast": "DOUBLE"}, r"its output image is tensor\(double\), not float32"),
        ({"cast": "INT64"}, r"its output image is tensor\(int64\), not float32"),
        ({"dtype": "DOUBLE"}, r"its input kspace is tensor\(double\), not float32"),
        ({"output": "picture"}, r"it gives \['picture'\], none of which is called image"),
        (
            {"inputs": {"kspace": (None, None, None, 3), "mask": (None, None, None)}},
            r"kspace has shape \(any, any, any, 3\), not \(any, any, any, 2\)",
        ),
        (
            {"inputs": {"kspace": (None, 32, 32, 2), "mask": (None, 32, 32)}},
            r"kspace has shape \(any, 32, 32, 2\), not \(any, any, any, 2\)",
        ),
        (
            {"inputs": {"x": (None, None, None, 2)}},
            r"it takes \['x'\], but its metadata says \['kspace', 'mask'\]",
        ),
    ],
)
def test_a_network_of_another_signature(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf"a\.onnx is not a readable model \(.*{message}"):
        Reconstructor(small_onnx(tmp_path / "a.onnx", **changes))


def test_outputs_are_what_they_should_be(tmp_path):
    kspace, mask = np.ones((2, 4, 6, 2), np.float32), np.ones((4, 6), np.float32)
    good = Reconstructor(small_onnx(tmp_path / "a.onnx"))
    np.testing.assert_array_equal(good(kspace, mask), np.full((2, 4, 6, 1), 2))
    other = Reconstructor(small_onnx(tmp_path / "b.onnx", shape=(2, 6, 4, 1)))
    with pytest.raises(
        InputError, match=r"b\.onnx returns .* \(2, 6, 4, 1\), float32, instead of \(2, 4, 6, 1\)"
    ):
        other(kspace, mask)
    kspace[1] = np.finfo(np.float32).max
    with pytest.raises(InputError, match=r"a\.onnx returns NaN or infinity for image 1 of the bat"):
        good(kspace, mask)
    failing = Reconstructor(small_onnx(tmp_path / "c.onnx", shape=(7, 1, 1, 1)))
    with pytest.raises(InputError, match=r"c\.onnx failed \(.*reshape"):
        failing(kspace, mask)


@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
def test_a_mask_that_the_metadata_hides_from_the_check(exports, tmp_path, format):
    """The file computes NaN for it, never a wrong image."""
    facts = Reconstructor(exports / NAMES[format]).metadata
    text = json.dumps(facts | {"exported_phase_encode_axis": None})
    reconstruct = Reconstructor(with_metadata(exports, tmp_path, format, text))
    mask = np.zeros(SIZE, np.float32)
    mask[:, ::2] = 1
    with pytest.raises(InputError, match=r"returns NaN or infinity for image 0 .* any mask"):
        reconstruct(np.full((1, *SIZE, 2), 0.1, np.float32), mask)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [((1, 1), tf.float32, r"has shape \(1, 1\), not"), ((1, 9, 9, 1), tf.int64, "is int64, not")],
)
def test_a_saved_model_of_another_signature(tmp_path, shape, dtype, message):
    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None, 2), name="kspace"),
            tf.TensorSpec((None, None, None), name="mask"),
        ]
    )
    def serve(kspace, mask):
        return {"image": tf.zeros(shape, dtype)}

    path = tmp_path / "a"
    tf.saved_model.save(tf.Module(), str(path), signatures={"serving_default": serve})
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "metadata.json").write_text(json.dumps(GOOD))
    with pytest.raises(InputError, match=rf"a is not .* model \(its output image {message}"):
        Reconstructor(path)
    tf.saved_model.save(tf.Module(), str(path))
    with pytest.raises(InputError, match="it has no signature serving_default"):
        Reconstructor(path)


def test_the_configuration_of_a_stage_that_cannot_be(tmp_path):
    model = tmp_path / "model.keras"
    DCCNN(2, 1, filters=2).save(model)
    config = {"phase_encode_axis": 0, "image_size": [32, 30], "measured_lines": [40]}
    (tmp_path / "config.json").write_text(json.dumps({"config": config}))
    message = r"config\.json is damaged \(measured_lines has line 40, but an image has 32 lines\)"
    with pytest.raises(InputError, match=message):
        Reconstructor(model)
    with pytest.raises(InputError, match=message):
        export_trained(model, tmp_path / "a")
    (tmp_path / "config.json").write_text("[" * 100_000)
    assert Reconstructor(model).metadata["architecture"] == "D2C1"


def test_a_network_that_returns_nan_is_not_exported(tmp_path):
    network = DCCNN(2, 1, filters=2)
    network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
    with pytest.raises(InputError, match=r"network returns NaN or infinity on .* was not expor"):
        network.export(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
