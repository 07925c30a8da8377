"""`train/export.py` makes every format of a trained network, and says early what it cannot make."""

import json

import keras
import numpy as np
import pytest
from command_line import run
from needed_packages import needed

from kdmri_tf import DCCNN, VDSR, Experiment, InputError, Reconstructor, TrainingSettings
from kdmri_tf.data.provenance import data_facts
from kdmri_tf.export.export_trained import export_trained
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training.run_folder import open_stage

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "tf2onnx", "openvino"):
    needed(package)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """An untrained student in the folder of its stage."""
    keras.utils.set_random_seed(0)
    config = {
        "dataset": data.dataset,
        "source": data.source,
        "image_size": data.image_size,
        "acceleration": data.acceleration,
        "mask": data.mask_origin,
    }
    stage = open_stage(tmp_path_factory.mktemp("run"), "kd-at-D2C2", config, data_facts(data))
    network = DCCNN(2, 2, filters=4)
    stage.finish(network)
    values = {"weights_sha256": weights_digest(network), "psnr": {"mean": 31.5, "std": 2.0}}
    evaluation = json.dumps({"networks": {"KD student": values}})
    (stage.folder.parent / "evaluation.json").write_text(evaluation)
    return stage.model_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "quantize", "name"),
    [
        ("saved_model", None, "saved_model"),
        ("litert", "int8", "model-int8.tflite"),
        ("openvino", "bfloat16", "openvino-bfloat16"),
    ],
)
def test_exports_beside_the_model(model, data, tiny_source, run_here, format, quantize, name):
    places = ("--manual-dir", tiny_source["manual_dir"], "--data-dir", tiny_source["data_dir"])
    reduction = ("--quantize", quantize, "--largest-loss", 3) if quantize else ()
    output, _ = run_here("export", model, "--format", format, *reduction, *places)
    assert f"{format} {model.with_name(name)}: differs from the network by" in output
    assert "on 4 validation slices of cardiac (folder)." in output
    metadata = Reconstructor(model.with_name(name)).metadata
    lines = np.flatnonzero(data.mask[:, 0]).tolist()
    assert (metadata["measured_lines"], metadata["phase_encode_axis"]) == (lines, 0)
    assert (metadata["architecture"], metadata["label"]) == ("D2C2", "2x")
    assert metadata["metrics"]["psnr"]["mean"] == 31.5


@pytest.mark.slow
def test_another_size_axis_and_place(model, tmp_path, run_here):
    arguments = ("--format", "litert", "--image-size", 40, 50, "--phase-encode-axis", 1)
    output, _ = run_here("export", model, *arguments, "--output", tmp_path / "a.tflite")
    assert "on 8 synthetic cardiac slices." in output
    reconstruct = Reconstructor(tmp_path / "a.tflite")
    assert reconstruct.image_size == (40, 50)
    mask = np.zeros((40, 50), np.float32)
    mask[:, ::2] = 1
    assert np.isfinite(reconstruct(np.zeros((1, 40, 50, 2), np.float32), mask)).all()


def test_flags_reach_the_export(monkeypatch, run_here):
    asked = []
    monkeypatch.setattr(
        "kdmri_tf.export.export_trained.export_trained",
        lambda *places, **wishes: asked.append((places, wishes)),
    )
    reduced = ("--format", "onnx", "--quantize", "int8", "--largest-loss", 0.5)
    layout = ("--image-size", 40, 50, "--phase-encode-axis", 1, "--coils", 3)
    places = ("--output", "a.onnx", "--manual-dir", "raw", "--data-dir", "prepared")
    run_here("export", "a.keras", *reduced, *layout, *places, "--estimate-sensitivities")
    ((given, wishes),) = asked
    assert given == ("a.keras", "a.onnx", "onnx", "int8", 0.5)
    assert tuple(wishes.pop("image_size")) == (40, 50)
    assert wishes == {
        **{"phase_encode_axis": 1, "coils": 3, "estimates_sensitivities": True},
        **{"manual_dir": "raw", "data_dir": "prepared"},
    }


def test_mistakes(model, tmp_path, run_here):
    _, error = run("export", model, "--quantize", "int8", expect=2)
    assert "error: saved_model cannot be reduced to 'int8': choose one of bfloat16, or" in error
    _, error = run_here("export", tmp_path / "none.keras", "--format", "onnx", expect=2)
    assert "There is no model" in error
    _, error = run_here("export", model, "--largest-loss", 1, expect=2)
    assert "--largest-loss limits --quantize" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--format", "litert", "--phase-encode-axis", 0),
            "one fixed image size: give it (--im",
        ),
        (("--format", "litert", "--image-size", 40, 36), "along one axis: give it (--phase-encode"),
        (("--format", "onnx"), "along one axis: give it (--phase-encode-axis"),
        (("--data-dir", "."), "does not say what data it was trained on"),
    ],
)
def test_nothing_is_guessed_of_a_network_outside_its_stage(tmp_path, run_here, arguments, message):
    DCCNN(2, 1, filters=2).save(tmp_path / "model.keras")
    _, error = run_here("export", tmp_path / "model.keras", *arguments, expect=2)
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("folder", ["manual_dir", "data_dir"])
def test_folders_of_data_are_not_ignored_for_synthetic_slices(tmp_path, folder):
    DCCNN(2, 1, filters=2).save(tmp_path / "model.keras")
    config = {"dataset": "cardiac", "source": "synthetic", "image_size": [48, 40]}
    (tmp_path / "config.json").write_text(json.dumps({"config": config}))
    words = (
        r"trained on synthetic slices, .* leave out --manual-dir and --data-dir \(in code manual_"
    )
    with pytest.raises(InputError, match=words):
        export_trained(tmp_path / "model.keras", tmp_path / "exported", **{folder: tmp_path})
    assert not (tmp_path / "exported").exists()


def test_a_network_without_masks_has_no_phase_encode_axis(tmp_path, run_here):
    VDSR(2, filters=2).save(tmp_path / "model.keras")
    _, error = run_here("export", tmp_path / "model.keras", "--phase-encode-axis", 1, expect=2)
    assert "holds a VDSR2, which takes none: leave --phase-encode-axis out" in error


def test_an_experiment_exports_checked_on_its_own_slices(data, tmp_path, capsys):
    experiment = Experiment(data, tmp_path, TrainingSettings(epochs=1, batch_size=2, filters=2))
    experiment.student("D2C1")
    experiment.export()
    assert "on 4 validation slices of cardiac (folder)." in capsys.readouterr().out
    assert Reconstructor(tmp_path / "saved_model").metadata["label"] == "2x"
