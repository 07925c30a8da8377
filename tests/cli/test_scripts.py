"""Every script from the command line, on tiny data: what it writes, reuses and resumes."""

import csv
import json
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf
from command_line import command, run

from kdmri_tf.networks.saved import load_network, weights_digest

TINY_TRAINING = ("--epochs", 2, "--filters", 4, "--batch-size", 2)
TINY_NETWORKS = ("--teacher", "D3C2", "--student", "D2C2")
STAGES = (("teacher", "D3C2"), ("student", "D2C2"))


@pytest.fixture(scope="module")
def finished_run(tiny_flags, tmp_path_factory):
    """(run folder, standard output) of `train/kd.py`."""
    folder = tmp_path_factory.mktemp("run")
    output, _ = run("kd", *tiny_flags, *TINY_TRAINING, *TINY_NETWORKS, "--run-dir", folder)
    return folder, output


@pytest.mark.slow
def test_kd_runs_the_whole_chain(finished_run):
    folder, output = finished_run
    for stage in ("teacher-D3C2", "student-D2C2", "at-D2C2", "kd-at-D2C2"):
        for name in ("config.json", "log.csv", "model.keras", "state.npz", "tensorboard"):
            assert (folder / stage / name).exists(), (stage, name)
        with open(folder / stage / "log.csv") as file:
            assert len(list(csv.DictReader(file))) == 2
    table = (folder / "evaluation.md").read_text()
    assert table in output
    for row in ("| zero-filled |", "| teacher |", "| student |", "| KD student |"):
        assert row in table
    with open(folder / "evaluation.csv") as file:
        records = list(csv.DictReader(file))
    assert len(records) == 2 * 4
    assert (folder / "reconstructions.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_kd_starts_where_the_attention_stage_ended(finished_run):
    folder, _ = finished_run
    config = json.loads((folder / "kd-at-D2C2" / "config.json").read_text())["config"]
    attentive = load_network(folder / "at-D2C2" / "model.keras")
    assert config["start_sha256"] == weights_digest(attentive)
    teacher = load_network(folder / "teacher-D3C2" / "model.keras")
    assert config["teacher_sha256"] == weights_digest(teacher)
    assert (config["reconstruction_weight"], config["imitation_weight"]) == (0.5, 0.5)


@pytest.mark.slow
def test_the_fast_path_changes_no_result(tiny_flags, finished_run, tmp_path):
    """Against the FFT, the teacher in every step and every operation on all cores."""
    folder, output = finished_run
    assert "The teacher's outputs are kept in memory" in output
    reference = ("--no-teacher-cache", "--data-consistency", "fft", "--whole-batches")
    arguments = (*tiny_flags, *TINY_TRAINING, *TINY_NETWORKS, *reference, "--run-dir", tmp_path)
    output, _ = run("kd", *arguments)
    assert "kept in memory" not in output
    config = json.loads((tmp_path / "kd-at-D2C2" / "config.json").read_text())["config"]
    assert config["consistency_form"] == "fft"
    fast, slow = (
        json.loads((path / "evaluation.json").read_text())["networks"]
        for path in (folder, tmp_path)
    )
    assert list(fast) == ["zero-filled", "teacher", "student", "KD student"]
    for name, values in fast.items():
        # 6e-7 dB at most where it was measured
        assert values["psnr"]["mean"] == pytest.approx(slow[name]["psnr"]["mean"], abs=1e-4)


@pytest.mark.slow
def test_variation_needs_the_teacher_in_every_step(tiny_flags, finished_run, tmp_path, run_here):
    folder, _ = finished_run
    networks = [f"--{name}={folder}/{name}-{stage}/model.keras" for name, stage in STAGES]
    with pytest.warns(UserWarning, match=r"The student .* was trained differently: augment \(None"):
        output, _ = run_here(
            *("kd", *tiny_flags, *TINY_TRAINING, *networks),
            *("--flips", "--random-masks", "--precision", "mixed_bfloat16", "--whole-batches"),
            *("--run-dir", tmp_path),
        )
    varying = "augmentation and random masks"
    assert f"training with {varying}" in output
    assert output.count(f"The teacher runs in every step: its inputs vary with {varying}") == 2
    config = json.loads((tmp_path / "kd-at-D2C2" / "config.json").read_text())["config"]
    assert config["random_masks"] is True
    assert config["augment"] == "random_flips"


@pytest.mark.slow
def test_exported_model_is_the_distilled_student(finished_run, inputs):
    folder, _ = finished_run
    signature = tf.saved_model.load(folder / "saved_model").signatures["serving_default"]
    image = signature(**{name: tf.constant(value) for name, value in inputs.items()})["image"]
    distilled = load_network(folder / "kd-at-D2C2" / "model.keras")
    np.testing.assert_allclose(image, distilled(inputs), atol=1e-5)
    facts = json.loads((folder / "saved_model" / "assets.extra" / "metadata.json").read_text())
    assert (facts["dataset"], facts["source"], facts["architecture"]) == (
        "cardiac",
        "folder",
        "D2C2",
    )


@pytest.mark.slow
def test_kd_again_reuses_every_stage(tiny_flags, finished_run, run_here):
    folder, _ = finished_run
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/model.keras")}
    flags = (*tiny_flags, *TINY_NETWORKS, *TINY_TRAINING, "--whole-batches", "--run-dir", folder)
    output, _ = run_here("kd", *flags)
    assert output.count("finished earlier") == 4
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/model.keras")} == before


@pytest.mark.slow
def test_kd_takes_given_networks_and_keeps_the_teacher_on_disk(
    tiny_flags, finished_run, tmp_path, run_here
):
    folder, _ = finished_run
    networks = {name: folder / f"{name}-{stage}" / "model.keras" for name, stage in STAGES}
    with pytest.warns(
        UserWarning, match=r"The student .* differently: precision \('float32' there"
    ):
        output, _ = run_here(
            *("kd", *tiny_flags, *TINY_TRAINING, "--whole-batches", "--run-dir", tmp_path),
            *("--teacher", networks["teacher"], "--student", networks["student"]),
            *("--student-init", networks["student"], "--precision", "mixed_bfloat16"),
            *("--alpha", 0.3, "--teacher-memory", 1e-6),
        )
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "at-D2C2",
        "kd-at-D2C2",
        "saved_model",
    ]
    assert "| KD student |" in output
    assert output.count("The teacher's outputs are kept on disk") == 2
    assert not list(tmp_path.glob("*/teacher-cache"))
    config = json.loads((tmp_path / "at-D2C2" / "config.json").read_text())["config"]
    assert config["start_sha256"] == weights_digest(load_network(networks["student"]))
    config = json.loads((tmp_path / "kd-at-D2C2" / "config.json").read_text())["config"]
    assert (config["reconstruction_weight"], config["imitation_weight"]) == (0.3, 0.7)


@pytest.mark.slow
def test_teacher_and_student_scripts_evaluate_into_their_own_folder(tiny_flags, tmp_path, run_here):
    for role, name in (("teacher", "D3C1"), ("student", "D2C1")):
        arguments = (
            *tiny_flags,
            *TINY_TRAINING,
            "--no-residual",
            "--whole-batches",
            "--run-dir",
            tmp_path,
        )
        output, _ = run_here(role, *arguments, f"--{role}", name)
        assert f"| {role} |" in output
        assert (tmp_path / f"{role}-{name}" / "evaluation.csv").exists()
        assert not load_network(tmp_path / f"{role}-{name}" / "model.keras").residual


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tiny_flags, tmp_path):
    """`kill -9` in the middle of a stage; the same command then ends with the same weights."""
    arguments = (
        *(*tiny_flags, "--filters", 4, "--batch-size", 1, "--epochs", 16),
        *("--teacher", "D3C1"),
    )
    run("teacher", *arguments, "--run-dir", tmp_path / "whole")
    killed = subprocess.Popen(
        command("teacher", *arguments, "--run-dir", tmp_path / "killed"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = tmp_path / "killed" / "teacher-D3C1" / "state.npz"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not state.with_name("model.keras").exists(), "killed too late to prove anything"
    output, _ = run("teacher", *arguments, "--run-dir", tmp_path / "killed")
    assert "Continuing after epoch" in output
    digests = {
        weights_digest(load_network(tmp_path / name / "teacher-D3C1" / "model.keras"))
        for name in ("whole", "killed")
    }
    assert len(digests) == 1


@pytest.mark.slow
def test_evaluate_finds_the_networks_of_the_run_or_takes_given_ones(
    tiny_flags, finished_run, tmp_path, run_here
):
    folder, _ = finished_run
    evaluate = ("evaluate", *tiny_flags, "--whole-batches", "--run-dir")
    output, _ = run_here(*evaluate, folder)
    assert output.count("| teacher |") == output.count("| KD student |") == 1
    model = folder / "student-D2C2" / "model.keras"
    output, _ = run_here(*evaluate, tmp_path, f"mine={model}")
    assert "| mine |" in output
    assert "| teacher |" not in output
    assert (tmp_path / "evaluation-mine" / "evaluation.csv").exists()
    _, error = run_here(*evaluate, tmp_path, f"mine={model}", f"mine={model}", expect=2)
    assert "Two networks have the same name: mine, mine; give each its own." in error


@pytest.mark.slow
def test_synthetic_data_is_said_to_be_synthetic(data_dir, tmp_path):
    output, error = run(
        "evaluate",
        *("--dataset", "cardiac", "--acc", 2, "--image-size", 36, 34),
        *("--data-dir", data_dir, "--run-dir", tmp_path),
    )
    assert "SYNTHETIC" in error
    assert "oneDNN" not in error
    assert "SYNTHETIC" in output
    with open(tmp_path / "evaluation.csv") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"synthetic"}
