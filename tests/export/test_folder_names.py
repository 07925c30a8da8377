"""TensorFlow takes paths for patterns; exports go to folders of any name and come back."""

import shutil

import numpy as np
import pytest
from needed_packages import needed

from kdmri_tf import DCCNN, InputError, Reconstructor, export_network
from kdmri_tf.inference.runtimes.plain_path import plain_path, plain_temporary_folder

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "tf2onnx", "openvino"):
    needed(package)

NAMES = ["a [1]", "a]", "a*", "a?", "a\\b", "{a,b}", "h\udce4nsel", "new\nline", "$HOME", "~"]


@pytest.fixture
def network():
    return DCCNN(2, 1, filters=2)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Folders that the names would match as patterns, with exports of another network."""
    folder = tmp_path_factory.mktemp("others")
    for other in ("ab", "a1", "a 1"):
        (folder / other).mkdir()
    DCCNN(2, 2, filters=2).export(folder / "ab" / "model ab")
    for other in ("a1", "a 1"):
        shutil.copytree(folder / "ab" / "model ab", folder / other / f"model {other}")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_in_a_folder_of_any_name(others, network, name):
    (others / name).mkdir()
    path = others / name / f"model {name}"
    network.export(path)
    assert Reconstructor(path).metadata["architecture"] == "D2C1"
    assert [entry.name for entry in (others / name).iterdir()] == [path.name]


@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
@pytest.mark.parametrize("name", ["a [1]", "h\udce4nsel"])
def test_other_formats_in_folders_of_such_names(tmp_path, network, monkeypatch, format, name):
    """The folder for temporary files is one, too."""
    folder = tmp_path / name
    (folder / "temporary").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "temporary"))
    suffix = {"litert": ".tflite", "onnx": ".onnx", "openvino": ""}[format]
    path = folder / f"{name}{suffix}"
    export_network(network, path, format, image_size=(40, 36), phase_encode_axis=0)
    mask = np.ones((40, 36), np.float32)
    assert Reconstructor(path)(np.zeros((1, 40, 36, 2)), mask).shape == (1, 40, 36, 1)
    assert {entry.name for entry in folder.iterdir()} == {path.name, "temporary"}


def test_plain_paths_are_taken_as_they_are(tmp_path):
    with plain_path(tmp_path) as path:
        assert path == tmp_path


def test_nowhere_to_put_a_link(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match=r"takes the folder .* for a pattern: .* TMPDIR"):
        plain_temporary_folder().__enter__()
