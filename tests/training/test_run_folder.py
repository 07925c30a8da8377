"""A stage's folder is reused with equal settings and refused with others."""

import contextlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    InputError,
    TrainingSettings,
    evaluate,
    gaussian_mask,
    phantom_volume,
)
from kdmri_tf.networks.saved import describe, load_network, weights_digest
from kdmri_tf.training.run_folder import open_stage
from kdmri_tf.training.stage_differences import read_config
from kdmri_tf.training.stage_trainer import StageTrainer
from kdmri_tf.training.trained_networks import finished_networks


def test_config_is_written_and_accepted_again(tmp_path):
    config = {"seed": 1, "image_size": (3, 4)}
    stage = open_stage(tmp_path, "teacher-D5C5", config)
    written = json.loads((stage.folder / "config.json").read_text())
    assert written["config"] == {"seed": 1, "image_size": [3, 4]}
    assert {"command", "python", "tensorflow", "keras"} <= set(written["environment"])
    assert open_stage(tmp_path, "teacher-D5C5", config).config == stage.config


def begun_stage(run_dir, name, config):
    """A stage after its first epoch."""
    stage = open_stage(run_dir, name, config)
    stage.state_path.touch()
    return stage


def test_other_workers_find_the_folder_that_the_first_has_made(tmp_path):
    with pytest.raises(InputError, match=r"does not see .*teacher-D5C5, which the first one has"):
        open_stage(tmp_path, "teacher-D5C5", {"seed": 1}, writes=False)
    assert not list(tmp_path.iterdir())
    stage = open_stage(tmp_path, "teacher-D5C5", {"seed": 1})
    written = (stage.folder / "config.json").read_bytes()
    assert open_stage(tmp_path, "teacher-D5C5", {"seed": 1}, writes=False) == stage
    assert (stage.folder / "config.json").read_bytes() == written
    with pytest.raises(InputError, match=r"seed \(1 there, 2 now\)"):
        open_stage(tmp_path, "teacher-D5C5", {"seed": 2}, writes=False)


def test_other_settings_are_refused_by_name(tmp_path):
    begun_stage(tmp_path, "teacher-D5C5", {"seed": 1, "epochs": 2, "alpha": 3})
    with pytest.raises(
        InputError, match=r"epochs \(2 there, 5 now\); seed \(1 there, 7 now\)\. Gi"
    ):
        open_stage(tmp_path, "teacher-D5C5", {"seed": 7, "epochs": 5, "alpha": 3})


def test_a_mask_may_be_renamed(tmp_path):
    """Its SHA-256 tells which it is, its name tells a reader."""
    begun_stage(tmp_path, "teacher-D5C5", {"mask": "a.npy", "mask_sha256": "1"})
    open_stage(tmp_path, "teacher-D5C5", {"mask": "b.npy", "mask_sha256": "1"})
    with pytest.raises(InputError, match=r"mask \('a\.npy' there, 'b\.npy' now\); mask_sha256"):
        open_stage(tmp_path, "teacher-D5C5", {"mask": "b.npy", "mask_sha256": "2"})


def test_the_name_of_a_sampler_tells_its_random_masks_apart(tmp_path):
    """Two seeds may draw the same first mask, and others after it."""
    config = {"mask": "equispaced, seed 4", "mask_sha256": "1", "random_masks": True}
    begun_stage(tmp_path, "teacher-D5C5", config)
    with pytest.raises(
        InputError, match=r"mask \('equispaced, seed 4' there, 'equispaced, seed 10"
    ):
        open_stage(tmp_path, "teacher-D5C5", {**config, "mask": "equispaced, seed 10"})


def test_settings_that_only_one_of_both_has_are_refused(tmp_path):
    begun_stage(tmp_path, "sft", {"seed": 1, "branch_weight": 2.0})
    with pytest.raises(InputError, match=r"other settings: branch_weight \(2\.0 there, None now\)"):
        open_stage(tmp_path, "sft", {"seed": 1})
    with pytest.raises(InputError, match=r"other settings: alpha \(None there, 0\.5 now\)"):
        open_stage(tmp_path, "sft", {"seed": 1, "branch_weight": 2.0, "alpha": 0.5})


def test_settings_that_made_nothing_yet_may_change(tmp_path):
    """After a mistake, or a stop in the first epoch."""
    open_stage(tmp_path, "teacher-D5C5", {"seed": 1})
    stage = open_stage(tmp_path, "teacher-D5C5", {"seed": 2})
    assert read_config(stage.folder) == {"seed": 2}
    with in_another_process(stage), pytest.raises(InputError, match="trained by another process"):
        open_stage(tmp_path, "teacher-D5C5", {"seed": 3})
    assert read_config(stage.folder) == {"seed": 2}


def test_a_network_of_unknown_settings_is_not_adopted(tmp_path):
    (tmp_path / "student-D2C1").mkdir()
    DCCNN(2, 1).save(tmp_path / "student-D2C1" / "model.keras")
    with pytest.raises(InputError, match=r"config\.json is missing or unreadable, so it is not"):
        open_stage(tmp_path, "student-D2C1", {"seed": 1})
    with pytest.raises(InputError, match=r"config\.json is missing or unreadable, so it is not"):
        finished_networks(tmp_path, {"seed": 1})
    assert not (tmp_path / "student-D2C1" / "config.json").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "teacher-D5C5").write_text("a file in its place")
    with pytest.raises(InputError, match=r"teacher-D5C5 cannot be written to \(.+\); give another"):
        open_stage(tmp_path, "teacher-D5C5", {})


@contextlib.contextmanager
def in_another_process(stage):
    """Trains the stage there, until that process is killed."""
    program = f"""
from pathlib import Path
from kdmri_tf.training.run_folder import Stage
with Stage(Path({str(stage.folder)!r}), {{}}).training():
    print("training", flush=True)
    input()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "training\n"
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_two_processes_do_not_train_one_stage(tmp_path):
    stage = open_stage(tmp_path, "teacher-D2C1", {})
    with (
        in_another_process(stage),
        pytest.raises(InputError, match="teacher-D2C1 is being trained by another process: wait"),
        stage.training(),
    ):
        raise AssertionError("trained")
    for _ in range(2):
        with stage.training():
            pass


def test_a_stage_that_another_process_has_opened_anew_is_not_trained(data, tmp_path):
    """It may do so between the writing of the configuration and the lock on training."""
    stages = StageTrainer(data, tmp_path, TrainingSettings(), True, 0, tf.distribute.get_strategy())
    stage = open_stage(tmp_path, "teacher-D2C1", {"seed": 42})
    open_stage(tmp_path, "teacher-D2C1", {"seed": 43})
    with (
        pytest.raises(InputError, match=r"made with other settings: seed \(43 there, 42 now\)"),
        stages._training(stage),
    ):
        raise AssertionError("trained")


def run_folder(folder, *stages, taught_by=None):
    """The names of the networks in a run of these stages.

    The first is a teacher, and the distilled students are its own, if they are not of another.
    """
    for stage in stages:
        network = DCCNN(int(stage.split("-D")[1][0]), 1, filters=1)
        taught_by = taught_by or weights_digest(network)
        teacher = {"teacher_sha256": taught_by if stage.startswith("kd") else None}
        open_stage(folder, stage, {"mask": "a", **teacher}).finish(network)
    return list(finished_networks(folder, {"mask": "a"}))


def test_networks_are_named_by_their_roles_where_they_belong_together(tmp_path):
    chain = ("teacher-D3C1", "student-D2C1", "kd-at-D2C1")
    assert run_folder(tmp_path / "chain", *chain) == ["teacher", "student", "KD student"]
    several = (*chain, "kd-sp-D2C1")
    assert run_folder(tmp_path / "several", *several) == list(several)
    sizes = ("teacher-D4C1", "student-D3C1", "kd-at-D2C1")
    assert run_folder(tmp_path / "sizes", *sizes) == list(sizes)
    assert run_folder(tmp_path / "of another", *chain, taught_by="a file") == list(chain)
    without_teacher = chain[1:]
    assert run_folder(tmp_path / "two", *without_teacher, taught_by="a file") == [
        "student",
        "KD student",
    ]


def test_metrics_are_those_of_the_same_weights(tmp_path):
    """Of whatever evaluation in the run measured this very network, by whatever name."""
    stages = [open_stage(tmp_path, f"kd-{method}-D2C1", {}) for method in ("at", "sp", "cc")]
    networks = [DCCNN(2, 1, filters=2) for _ in stages]
    for stage, network in zip(stages, networks, strict=True):
        stage.finish(network)
    images = phantom_volume("cardiac", (32, 36), 1, seed=1)
    volumes = [("a", images / images.max((1, 2), keepdims=True))]
    mask = gaussian_mask((32, 36), 2, center_lines=2)
    labels = {"dataset": "cardiac", "source": "synthetic", "acceleration": "2x"}
    values = []
    for folder, network in zip((tmp_path, tmp_path / "sft-at"), networks, strict=False):
        evaluation = evaluate({"KD student": network}, volumes, mask, progress=False, **labels)
        evaluation.write(folder)
        values.append(evaluation.values("KD student", "psnr")[0])
    described = [
        describe(stage.model_path, network)["metrics"]
        for stage, network in zip(stages, networks, strict=True)
    ]
    assert [metrics["psnr"]["mean"] for metrics in described[:2]] == values
    assert values[0] != values[1]
    assert described[2] is None


def test_finished_network_is_float32(tmp_path, inputs):
    stage = open_stage(tmp_path, "student-D2C1", {"dataset": "brain"})
    assert not stage.is_finished
    network = DCCNN(2, 1, dtype="mixed_bfloat16")
    stage.finish(network)
    assert stage.is_finished
    loaded = load_network(stage.model_path)
    assert loaded.dtype_policy.name == "float32"
    assert weights_digest(loaded) == weights_digest(network)
    assert list(stage.folder.glob("partial*")) == []
    facts = describe(stage.model_path, loaded)
    assert facts["dataset"] == "brain"
    assert facts["architecture"] == "D2C1"
    assert "not for clinical use" in facts["intended_use"]


def test_teacher_of_a_distiller_is_saved_trainable(tmp_path):
    stage = open_stage(tmp_path, "teacher-D2C1", {})
    network = DCCNN(2, 1)
    network.trainable = False
    stage.finish(network)
    assert load_network(stage.model_path).trainable


def test_foreign_config_beside_a_model_is_ignored(tmp_path):
    for text in ('{"model_type": "bert"}', "[1, 2", '{"config": 3}'):
        (tmp_path / "config.json").write_text(text)
        assert describe(tmp_path / "model.keras", DCCNN(2, 1))["architecture"] == "D2C1"
    for text in ("[1, 2]", '{"networks": {"a": 3}}', '{"networks": [1]}'):
        (tmp_path / "evaluation.json").write_text(text)
        assert describe(tmp_path / "model.keras", DCCNN(2, 1))["metrics"] is None


def test_digest_tells_weights_apart():
    keras.utils.set_random_seed(0)
    first, second = DCCNN(2, 1), DCCNN(2, 1)
    assert weights_digest(first) != weights_digest(second)
    second.set_weights(first.get_weights())
    assert weights_digest(first) == weights_digest(second)


def test_load_network_errors(tmp_path):
    with pytest.raises(InputError, match=r"There is no model .*none.keras"):
        load_network(tmp_path / "none.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK broken")
    with pytest.raises(InputError, match=r"broken.keras is not a readable .keras model"):
        load_network(tmp_path / "broken.keras")
    DCCNN(2, 1).save(tmp_path / "flipped.keras")
    content = bytearray((tmp_path / "flipped.keras").read_bytes())
    content[content.index(b"model.weights.h5") + 60] ^= 255
    (tmp_path / "flipped.keras").write_bytes(content)
    with pytest.raises(InputError, match=r"flipped.keras is not a readable .keras model"):
        load_network(tmp_path / "flipped.keras")
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    other(np.zeros((1, 4)))
    other.save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other.keras holds a Sequential, not a DCCNN"):
        load_network(tmp_path / "other.keras")
