"""train/superres.py on tiny data: the chain of kd.py with other networks and degradation."""

import csv
import json
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from command_line import command, run

from kdmri_tf import LowResolution
from kdmri_tf.networks.saved import load_network

TRAINING = ("--epochs", 1, "--filters", 4, "--batch-size", 2, "--whole-batches")
NETWORKS = ("--teacher", "VDSR4", "--student", "VDSR2")


@pytest.fixture(scope="module")
def places(manual_dir, data_dir):
    return [
        *("--dataset", "cardiac", "--source", "folder", "--manual-dir", manual_dir),
        *("--data-dir", data_dir, "--image-size", 36, 34),
    ]


@pytest.fixture(scope="module")
def finished_run(places, tmp_path_factory):
    """(run folder, standard output)."""
    folder = tmp_path_factory.mktemp("superres")
    return folder, run("superres", *places, *TRAINING, *NETWORKS, "--run-dir", folder)[0]


@pytest.mark.slow
def test_the_whole_chain(finished_run):
    folder, output = finished_run
    stages = {path.parent.name for path in folder.glob("*/model.keras")}
    assert stages == {"teacher-VDSR4", "student-VDSR2", "at-VDSR2", "kd-at-VDSR2"}
    with open(folder / "evaluation.csv") as file:
        networks = [row["network"] for row in csv.DictReader(file)]
    rows = ["zero-filled", "bicubic", "teacher", "student", "KD student"]
    assert networks == rows * 2
    assert "4x super-resolution" in output
    assert (folder / "reconstructions.png").exists()


@pytest.mark.slow
def test_saved_model_takes_low_resolution(finished_run, images):
    folder, _ = finished_run
    inputs = LowResolution(4).apply(tf.constant(images))
    signature = tf.saved_model.load(folder / "saved_model").signatures["serving_default"]
    image = signature(**inputs)["image"]
    distilled = load_network(folder / "kd-at-VDSR2" / "model.keras")
    np.testing.assert_allclose(image, distilled(inputs), atol=1e-5)
    facts = json.loads((folder / "saved_model" / "assets.extra" / "metadata.json").read_text())
    assert (facts["architecture"], facts["acceleration"]) == ("VDSR2", pytest.approx(17.0, abs=1))


@pytest.mark.slow
def test_evaluate_takes_up_the_run_and_refuses_another_task(places, finished_run, run_here):
    folder, _ = finished_run
    arguments = (*places, "--whole-batches", "--run-dir", folder)
    output, _ = run_here("evaluate", *arguments, "--scale", 4)
    assert "| bicubic |" in output
    assert "| KD student |" in output
    _, error = run_here("evaluate", *arguments, "--acc", 2, expect=2)
    assert "made with other settings" in error


def test_help_shows_what_super_resolution_takes():
    help_text = subprocess.run(
        command("superres", "--help"), capture_output=True, text=True, check=True
    ).stdout
    teacher = "--teacher NETWORK name, trained .keras file or name of the zoo (default: VDSR11)"
    assert teacher in " ".join(help_text.split())
    assert {"--scale", "--nonnegative", "--flips"} <= set(help_text.replace(",", "").split())
    assert "fsp" not in help_text
    assert "--consistency-steps" not in help_text
    for refused in ("--acc", "--mask", "--random-masks", "--residual", "--data-consistency"):
        assert refused not in help_text


def test_sft_is_of_cascades_alone():
    help_text = subprocess.run(
        command("sft", "--help"), capture_output=True, text=True, check=True
    ).stdout
    assert "--acc" in help_text
    assert "--scale" not in help_text
    assert "--nonnegative" not in help_text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--no-residual",), "has no residual: leave that setting out"),
        (("--acc", 4), "--scale lowers the resolution and needs no mask: leave out --acc"),
        (("--mask", "uniform"), "needs no mask: leave out --acc and all mask flags"),
        (("--phase-encode-axis", 1), "needs no mask: leave out --acc and all mask flags"),
        (("--scale", 0.5), "The scale must be a finite number of at least 1; got 0.5."),
        (
            ("--teacher", "D5C5"),
            'D5C5 takes "kspace" and "mask", but the data provides "low_resolution"; choose',
        ),
        (
            ("--student", "VDSR1"),
            "VDSR1 is no network: there must be at least 2 convolutions",
        ),
    ],
)
def test_mistakes(places, tmp_path, run_here, arguments, message):
    _, error = run_here("superres", *places, *TRAINING, "--run-dir", tmp_path, *arguments, expect=2)
    assert message in error
    assert list(tmp_path.iterdir()) == []
