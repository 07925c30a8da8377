"""Every script from the command line, on tiny data: what it writes, reuses, resumes and refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf.runs import load_network, weights_digest

TRAIN = Path(__file__).parents[1] / "train"
SCRIPTS = ("teacher", "student", "kd", "evaluate", "export")


def command(script, *arguments):
    return [sys.executable, str(TRAIN / f"{script}.py"), *map(str, arguments)]


def run(script, *arguments, expect=0):
    """Runs a script and returns (standard output, standard error)."""
    done = subprocess.run(command(script, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def tiny(manual_dir, data_dir):
    """Flags of the tiny data set and of training that lasts seconds."""
    return [
        *("--dataset", "cardiac", "--source", "folder", "--acc", 2),
        *("--manual-dir", manual_dir, "--data-dir", data_dir, "--image-size", 36, 34),
    ]


TINY_TRAINING = ("--epochs", 2, "--filters", 4, "--batch-size", 2)
TINY_NETWORKS = ("--teacher", "D3C2", "--student", "D2C2")
STAGES = (("teacher", "D3C2"), ("student", "D2C2"))


@pytest.fixture(scope="module")
def finished_run(tiny, tmp_path_factory):
    """(run folder, standard output) of `train/kd.py`."""
    folder = tmp_path_factory.mktemp("run")
    output, _ = run("kd", *tiny, *TINY_TRAINING, *TINY_NETWORKS, "--run-dir", folder)
    return folder, output


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_needs_no_tensorflow(script):
    tracing = [sys.executable, "-X", "importtime", str(TRAIN / f"{script}.py"), "--help"]
    done = subprocess.run(tracing, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"tensorflow", "keras", "numpy"}


@pytest.mark.slow
def test_kd_runs_the_whole_chain(finished_run):
    folder, output = finished_run
    for stage in ("teacher-D3C2", "student-D2C2", "attention-D2C2", "kd-D2C2"):
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
    config = json.loads((folder / "kd-D2C2" / "config.json").read_text())["config"]
    attentive = load_network(folder / "attention-D2C2" / "model.keras")
    assert config["start_sha256"] == weights_digest(attentive)
    teacher = load_network(folder / "teacher-D3C2" / "model.keras")
    assert config["teacher_sha256"] == weights_digest(teacher)
    assert (config["reconstruction_weight"], config["imitation_weight"]) == (0.5, 0.5)


@pytest.mark.slow
def test_the_fast_path_changes_no_result(tiny, finished_run, tmp_path):
    """Against the FFT, the teacher in every step and every operation on all cores."""
    folder, output = finished_run
    assert "The teacher's outputs are kept in memory" in output
    reference = ("--no-teacher-cache", "--data-consistency", "fft", "--whole-batches")
    arguments = (*tiny, *TINY_TRAINING, *TINY_NETWORKS, *reference, "--run-dir", tmp_path)
    output, _ = run("kd", *arguments)
    assert "kept in memory" not in output
    fast, slow = (
        json.loads((path / "evaluation.json").read_text())["networks"]
        for path in (folder, tmp_path)
    )
    assert list(fast) == ["zero-filled", "teacher", "student", "KD student"]
    for name, values in fast.items():
        assert values["psnr"]["mean"] == pytest.approx(slow[name]["psnr"]["mean"], abs=0.05)


@pytest.mark.slow
def test_random_masks_need_the_teacher_in_every_step(tiny, finished_run, tmp_path):
    folder, _ = finished_run
    networks = [f"--{name}={folder}/{name}-{stage}/model.keras" for name, stage in STAGES]
    output, _ = run(
        *("kd", *tiny, *TINY_TRAINING, *networks),
        *("--random-masks", "--precision", "mixed_bfloat16", "--run-dir", tmp_path),
    )
    assert "training with random masks" in output
    assert output.count("The teacher runs in every step: its inputs vary with random masks") == 2
    config = json.loads((tmp_path / "kd-D2C2" / "config.json").read_text())["config"]
    assert config["random_masks"] is True


@pytest.mark.slow
def test_exported_model_is_the_distilled_student(finished_run, inputs):
    folder, _ = finished_run
    signature = tf.saved_model.load(folder / "saved_model").signatures["serving_default"]
    image = signature(**{name: tf.constant(value) for name, value in inputs.items()})["image"]
    distilled = load_network(folder / "kd-D2C2" / "model.keras")
    np.testing.assert_allclose(image, distilled(inputs), atol=1e-5)
    facts = json.loads((folder / "saved_model" / "assets.extra" / "metadata.json").read_text())
    assert (facts["dataset"], facts["source"], facts["architecture"]) == (
        "cardiac",
        "folder",
        "D2C2",
    )


@pytest.mark.slow
def test_kd_again_reuses_every_stage_and_refuses_other_settings(tiny, finished_run):
    folder, _ = finished_run
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/model.keras")}
    arguments = (*tiny, *TINY_NETWORKS, "--run-dir", folder)
    output, _ = run("kd", *arguments, *TINY_TRAINING)
    assert output.count("finished earlier") == 4
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/model.keras")} == before
    _, error = run("kd", *arguments, *TINY_TRAINING, "--seed", 7, expect=2)
    assert "made with other settings: seed (42 there, 7 now)" in error


@pytest.mark.slow
def test_kd_takes_given_networks(tiny, finished_run, tmp_path):
    folder, _ = finished_run
    given = [
        *("--teacher", folder / "teacher-D3C2" / "model.keras"),
        *("--student", folder / "student-D2C2" / "model.keras"),
        *("--student-init", folder / "student-D2C2" / "model.keras"),
        *("--precision", "mixed_bfloat16"),
    ]
    output, _ = run("kd", *tiny, *TINY_TRAINING, *given, "--alpha", 0.3, "--run-dir", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "attention-D2C2",
        "kd-D2C2",
        "saved_model",
    ]
    assert "| KD student |" in output
    config = json.loads((tmp_path / "attention-D2C2" / "config.json").read_text())["config"]
    student = load_network(folder / "student-D2C2" / "model.keras")
    assert config["start_sha256"] == weights_digest(student)
    other = [*given[:4], "--student-init", folder / "teacher-D3C2" / "model.keras"]
    _, error = run("kd", *tiny, *TINY_TRAINING, *other, "--run-dir", tmp_path / "other", expect=2)
    assert "holds a D3C2 with 4 filters and residual True, but the student is a D2C2" in error
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.slow
def test_teacher_and_student_scripts_evaluate_into_their_own_folder(tiny, tmp_path):
    for role, name in (("teacher", "D3C2"), ("student", "D2C2")):
        output, _ = run(
            role, *tiny, *TINY_TRAINING, f"--{role}", name, "--run-dir", tmp_path, "--no-residual"
        )
        assert f"| {role} |" in output
        assert (tmp_path / f"{role}-{name}" / "evaluation.csv").exists()
        assert not load_network(tmp_path / f"{role}-{name}" / "model.keras").residual


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tiny, tmp_path):
    """`kill -9` in the middle of a stage; the same command then ends with the same weights."""
    arguments = (*tiny, "--filters", 4, "--batch-size", 1, "--epochs", 12, "--teacher", "D3C2")
    run("teacher", *arguments, "--run-dir", tmp_path / "whole")
    killed = subprocess.Popen(
        command("teacher", *arguments, "--run-dir", tmp_path / "killed"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = tmp_path / "killed" / "teacher-D3C2" / "state.npz"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not state.with_name("model.keras").exists(), "killed too late to prove anything"
    output, _ = run("teacher", *arguments, "--run-dir", tmp_path / "killed")
    assert "Continuing after epoch" in output
    digests = {
        weights_digest(load_network(tmp_path / name / "teacher-D3C2" / "model.keras"))
        for name in ("whole", "killed")
    }
    assert len(digests) == 1


@pytest.mark.slow
def test_evaluate_finds_the_networks_of_the_run_or_takes_given_ones(tiny, finished_run, tmp_path):
    folder, _ = finished_run
    output, _ = run("evaluate", *tiny, "--run-dir", folder)
    assert output.count("| teacher |") == output.count("| KD student |") == 1
    model = folder / "student-D2C2" / "model.keras"
    output, _ = run("evaluate", *tiny, "--run-dir", tmp_path, f"mine={model}")
    assert "| mine |" in output
    assert "| teacher |" not in output
    assert (tmp_path / "evaluation-mine" / "evaluation.csv").exists()
    _, error = run("evaluate", *tiny, "--mask", "uniform", "--run-dir", folder, expect=2)
    assert (
        "made with other settings: mask ('gaussian, seed 0' there, 'uniform, seed 0' now)" in error
    )


@pytest.mark.slow
def test_synthetic_data_is_said_to_be_synthetic(data_dir, tmp_path):
    output, error = run(
        "evaluate",
        *("--dataset", "cardiac", "--acc", 2, "--image-size", 36, 34),
        *("--data-dir", data_dir, "--run-dir", tmp_path),
    )
    assert "SYNTHETIC" in error
    assert "SYNTHETIC" in output
    with open(tmp_path / "evaluation.csv") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"synthetic"}


@pytest.mark.slow
def test_export_script(finished_run, tmp_path):
    folder, _ = finished_run
    model = folder / "kd-D2C2" / "model.keras"
    output, _ = run("export", model, "--output", tmp_path / "exported")
    assert "differs from the Keras model by" in output
    assert (tmp_path / "exported" / "saved_model.pb").exists()


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("kd", ["--dataset", "liver"], "invalid choice: 'liver'"),
        ("kd", [], "the following arguments are required: --dataset"),
        (
            "teacher",
            ["--dataset", "knee", "--acc", "fast"],
            "invalid positive_number value",
        ),
        ("teacher", ["--dataset", "knee", "--epochs", "0"], "0 is less than 1"),
        ("teacher", ["--dataset", "knee", "--lr", "-1"], "-1 is no positive number"),
        ("teacher", ["--dataset", "knee", "--seed", "-1"], "-1 does not lie between 0 and 2^31"),
        ("evaluate", ["--dataset", "brain", "nonsense"], "'nonsense' is not NAME=MODEL.keras"),
        ("kd", ["--dataset", "knee", "--teacher", "big"], "'big' is neither a name DdCc, such as"),
        ("kd", ["--dataset", "knee", "--student", "no.keras"], "there is no model no.keras"),
        ("kd", ["--dataset", "knee", "--alpha", "2"], "2 does not lie between 0 and 1"),
    ],
)
def test_mistakes_on_the_command_line(script, arguments, message):
    _, error = run(script, *arguments, expect=2)
    assert message in error


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("teacher", ["--mask", "none.npy"], "There is no mask file none.npy"),
        ("kd", ["--student", "D3C4"], "D5C5 and the student D3C4 differ in their number of casc"),
        ("kd", ["--student", "D1C5"], "at least 2 convolutions and 1 filter; got 1 convolutions"),
        ("evaluate", ["--acc", "40"], "leaves 0 of 36 lines, fewer than the 10 centre lines"),
    ],
)
def test_bad_values_end_in_one_line(tiny, tmp_path, script, arguments, message):
    _, error = run(script, *tiny, "--run-dir", tmp_path, *arguments, expect=2)
    assert "\nerror: " in f"\n{error}"
    assert message in error


def test_interrupt_says_how_to_go_on(tiny, tmp_path):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command("teacher", *tiny, "--epochs", 500, "--run-dir", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    assert "training continues after its last full epoch" in error
