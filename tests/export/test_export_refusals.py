"""What is no export is not made, or not kept, and nothing else is overwritten for one."""

import errno
import logging
import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pytest
import tensorflow as tf
from needed_packages import needed

from kdmri_tf import DCCNN, InputError, Reconstructor, Undersampling, export_network
from kdmri_tf.export import agreement, formats
from kdmri_tf.export import export_network as export_module
from kdmri_tf.export.check_samples import Samples
from kdmri_tf.export.formats import FORMATS

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "tf2onnx", "openvino"):
    needed(package)
logging.getLogger("absl").setLevel(logging.ERROR)  # the converters' reports

SUFFIXES = {name: kind.suffix for name, kind in FORMATS.items()}


@pytest.mark.parametrize("format", SUFFIXES)
def test_an_export_that_differs_is_refused(format, tmp_path, model, samples, monkeypatch):
    monkeypatch.setattr(agreement, "TOLERANCE", -1.0)
    path = tmp_path / f"student{SUFFIXES[format]}"
    with pytest.raises(InputError, match=r"differs from the network by .* it was not kept"):
        export_network(model, path, format, samples=samples)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_above_the_limit_is_refused(tmp_path, model, samples):
    with pytest.raises(InputError, match=r"In float16, .* loses .* more than -1 dB; it was not"):
        export_network(
            model, tmp_path / "a.onnx", "onnx", "float16", samples=samples, largest_loss=-1
        )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def writer_of_other_weights(monkeypatch):
    """Lets SavedModels be written of a network whose weights a function has changed."""
    write = export_module.WRITERS["saved_model"]

    def change(weights_of):
        def written(network, *arguments):
            network.set_weights(weights_of(network.get_weights()))
            write(network, *arguments)

        monkeypatch.setitem(export_module.WRITERS, "saved_model", written)

    return change


def test_a_shift_of_one_bias_is_more_than_rounding(
    tmp_path, model, samples, writer_of_other_weights
):
    def shifted(weights):
        weights[3] = weights[3] + 1e-4  # 6e-5 in the image
        return weights

    writer_of_other_weights(shifted)
    words = r"by [1-9]\.\de-05 on 8 synthetic brain slices, more than 1e-05; it was not kept\."
    with pytest.raises(InputError, match=words):
        export_network(model, tmp_path / "a", samples=samples)
    assert list(tmp_path.iterdir()) == []


def test_a_tenth_of_a_decibel_is_too_much_unless_it_is_allowed(
    tmp_path, model, samples, writer_of_other_weights
):
    def noisy(weights):
        random = np.random.default_rng(0)
        return [w + 0.5 * np.abs(w).max() * random.standard_normal(w.shape) for w in weights]

    writer_of_other_weights(noisy)
    reduced = (model, tmp_path / "a", "saved_model", "bfloat16")
    words = r"loses 0\.1\d\d dB on 8 synthetic brain slices, more than 0\.05 dB; it was not kept"
    with pytest.raises(InputError, match=words):
        export_network(*reduced, samples=samples)
    assert list(tmp_path.iterdir()) == []
    assert 0.1 < export_network(*reduced, samples=samples, largest_loss=0.2).loss < 0.2


@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
def test_points_need_a_saved_model(format, tmp_path, model, samples):
    points = (np.random.default_rng(0).random((48, 45)) < 0.5).astype(np.float32)
    scattered = Samples(samples.images, samples.calibration, Undersampling(points), "points")
    with pytest.raises(
        InputError, match=r"of whole lines, but the mask \(array\) has other samples"
    ):
        export_network(model, tmp_path / f"a{SUFFIXES[format]}", format, samples=scattered)


def test_an_earlier_export_is_overwritten_and_nothing_else(tmp_path):
    model = DCCNN(2, 1, filters=2)
    export_network(model, tmp_path / "model")
    export_network(model, tmp_path / "model")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="notes exists and is not in the format saved_model"):
        export_network(model, tmp_path / "notes")
    (tmp_path / "robot").mkdir()
    for name in ("model.xml", "model.bin", "thesis.txt"):
        (tmp_path / "robot" / name).write_text("years of work")
    with pytest.raises(InputError, match="robot exists and is not in the format openvino"):
        export_network(model, tmp_path / "robot", "openvino")
    (tmp_path / "notes.onnx").mkdir()
    with pytest.raises(InputError, match=r"notes\.onnx exists and is not in the format onnx"):
        export_network(model, tmp_path / "notes.onnx", "onnx")


def test_a_link_is_replaced_by_the_export(tmp_path):
    model = DCCNN(2, 1, filters=2)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    export_network(model, tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert list((tmp_path / "folder").iterdir()) == []


KILLED_EXPORT = """
import os, sys
from kdmri_tf import DCCNN
from kdmri_tf.export import export_network as exporting

def die(network, place, facts):
    (place / "variables").mkdir(parents=True)
    os._exit(9)

exporting.WRITERS["saved_model"] = die
DCCNN(2, 1, filters=2).export(sys.argv[1])
"""


@pytest.mark.slow
def test_a_killed_export_leaves_the_earlier_one_and_does_not_stand_in_the_way(tmp_path):
    earlier, path = DCCNN(2, 1, filters=2), tmp_path / "model"
    earlier.export(path)
    before = Reconstructor(path).metadata
    killed = subprocess.run([sys.executable, "-c", KILLED_EXPORT, str(path)], check=False)
    assert killed.returncode == 9
    assert len(list(tmp_path.iterdir())) == 2
    assert Reconstructor(path).metadata == before
    earlier.export(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "a.pb; No space left on device"),
    ],
)
def test_a_full_disk(tmp_path, model, monkeypatch, error):
    monkeypatch.setitem(export_module.WRITERS, "saved_model", Mock(side_effect=error))
    with pytest.raises(InputError, match=r"cannot be written to \(no space left on device\): make"):
        export_network(model, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_bad_requests(tmp_path, model, monkeypatch):
    with pytest.raises(InputError, match="Unknown format 'h5': choose one of saved_model, litert"):
        export_network(model, tmp_path / "a", "h5")
    with pytest.raises(InputError, match="saved_model cannot be reduced to 'int8'"):
        export_network(model, tmp_path / "a", quantize="int8")
    with pytest.raises(InputError, match=r"A litert file must be named \*\.tflite, not a\.lite"):
        export_network(model, tmp_path / "a.lite", "litert")
    for name in ("s.xml", "S.XML", "s.onnx", "s.keras"):
        with pytest.raises(InputError, match=rf"openvino export is a folder .* {name} would"):
            export_network(model, tmp_path / name, "openvino")
        with pytest.raises(InputError, match=rf"{name} would look like a file: call it [sS]\."):
            export_network(model, tmp_path / name)
    with pytest.raises(InputError, match=r"There is no folder .*none to export a to"):
        export_network(model, tmp_path / "none" / "a")
    with monkeypatch.context() as patch:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "mine").touch()
        patch.chdir(tmp_path / "folder")
        with pytest.raises(InputError, match=r"folder exists and is not in the format saved_model"):
            export_network(model, ".")
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)
        with pytest.raises(InputError, match=r"The folder .* cannot be written to; choose another"):
            export_network(model, tmp_path / "a")
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'needs onnx and .*: run pip install "kdmri_tf\[onnx\]"'):
        export_network(model, tmp_path / "a.onnx", "onnx")


@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
def test_what_a_format_has_for_good_is_not_guessed(tmp_path, format):
    network, path = DCCNN(2, 1, filters=2), tmp_path / f"a{SUFFIXES[format]}"
    layout = {"phase_encode_axis": 1} | ({"image_size": (40, 36)} if format == "litert" else {})
    for missing in layout:
        known = {name: value for name, value in layout.items() if name != missing}
        with pytest.raises(
            InputError, match=rf"An export as {format} .*: give it .* in code {missing}"
        ):
            network.export(path, format, **known)
    network.export(path, format, verbose=False, **layout)
    mask = np.zeros((40, 36), np.float32)
    mask[:, ::2] = 1
    assert np.isfinite(Reconstructor(path)(np.zeros((1, 40, 36, 2), np.float32), mask)).all()


def test_formats_that_are_not_ours_are_left_to_keras(tmp_path, model):
    with pytest.raises(ValueError, match="format"):
        model.export(tmp_path / "model", format="unheard_of")
