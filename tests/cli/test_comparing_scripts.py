"""train/sft.py and train/compare.py on tiny data: what they train, share, write and refuse."""

import csv
import json

import pytest
from command_line import run

from kdmri_tf.networks.saved import load_network, weights_digest
from kdmri_tf.training import comparison

# Slices side by side, as in test_scripts.py, would only make larger graphs to trace.
TRAINING = ("--epochs", 1, "--filters", 4, "--batch-size", 2, "--whole-batches")
NETWORKS = ("--teacher", "D3C2", "--student", "D2C2")


@pytest.fixture(scope="module")
def sft_run(tiny_flags, tmp_path_factory):
    """(run folder, standard output) of `train/sft.py`."""
    folder = tmp_path_factory.mktemp("sft")
    output, _ = run("sft", *tiny_flags, *TRAINING, *NETWORKS, "--run-dir", folder)
    return folder, output


def config(folder, stage):
    return json.loads((folder / stage / "config.json").read_text())["config"]


def table(path):
    with open(path) as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_sft_trains_with_and_without(sft_run):
    folder, output = sft_run
    stages = {path.parent.name for path in folder.glob("*/model.keras")}
    assert stages == {
        *("teacher-D3C2", "student-D2C2", "at-D2C2", "kd-at-D2C2"),
        *("sft-D3C2-D2C2", "at-D2C2-sft", "kd-at-D2C2-sft"),
    }
    rows = [row["network"] for row in table(folder / "sft-at" / "comparison.csv")]
    assert rows == ["teacher", "student", "AT", "SFT teacher", "AT, SFT"]
    assert (folder / "sft-at" / "comparison.md").read_text() in output
    for name in ("comparison.png", "evaluation.csv", "reconstructions.png"):
        assert (folder / "sft-at" / name).exists()
    logs = table(folder / "sft-D3C2-D2C2" / "log.csv")[0]
    assert {"teacher_loss", "branch_loss", "imitation_loss", "val_loss"} <= set(logs)


@pytest.mark.slow
def test_student_starts_from_its_branches(sft_run):
    """Cascades from the second on by name; the first as the plain student began."""
    folder, output = sft_run
    branches = folder / "sft-D3C2-D2C2" / "student.keras"
    assert f"Loaded 4 of 8 tensors from {branches}." in output
    friendly = load_network(folder / "sft-D3C2-D2C2" / "model.keras")
    assert config(folder, "kd-at-D2C2-sft")["teacher_sha256"] == weights_digest(friendly)
    # Its first cascade was in no branch, so that the file holds the same seeded weights.
    assert config(folder, "at-D2C2-sft")["start_sha256"] == weights_digest(load_network(branches))
    assert friendly.architecture == "D3C2"


@pytest.mark.slow
def test_sft_exports_the_sft_student(sft_run):
    folder, _ = sft_run
    facts = json.loads((folder / "saved_model" / "assets.extra" / "metadata.json").read_text())
    assert facts["stage"] == "kd-at-D2C2-sft"


@pytest.mark.slow
def test_compare_takes_up_what_is_there(tiny_flags, sft_run, run_here):
    folder, _ = sft_run
    output, _ = run_here(
        *("compare", "methods", *tiny_flags, *TRAINING, *NETWORKS),
        *("--methods", "at", "--run-dir", folder),
    )
    assert output.count("finished earlier") == 7
    earlier, now = (
        table(folder / name / "comparison.csv") for name in ("sft-at", "compare-methods")
    )
    assert [row["psnr"] for row in now] == [row["psnr"] for row in earlier]


@pytest.mark.slow
def test_controls_of_equal_epochs(tiny_flags, sft_run, run_here):
    folder, _ = sft_run
    run_here(
        *("compare", "methods", *tiny_flags, *TRAINING, *NETWORKS),
        *("--methods", "at", "--equal-epochs", "--run-dir", folder),
    )
    rows = [row["network"] for row in table(folder / "compare-methods" / "comparison.csv")]
    expected = ["teacher", "student", "AT", "AT, pretrained", "SFT teacher", "AT, SFT"]
    assert rows == expected
    student = load_network(folder / "student-D2C2" / "model.keras")
    assert config(folder, "at-D2C2-pretrained")["start_sha256"] == weights_digest(student)
    assert (folder / "kd-at-D2C2-pretrained" / "model.keras").exists()


@pytest.mark.slow
def test_settings_of_the_friendly_teacher(tiny_flags, sft_run, tmp_path, run_here):
    folder, _ = sft_run
    flags = ("--stop-imitation-gradient", "--imitation-weight", 0.25)
    arguments = (*tiny_flags, *TRAINING, *NETWORKS[:2], *flags)
    _, error = run_here("sft", *arguments, *NETWORKS[2:], "--run-dir", folder, expect=2)
    assert "sft-D3C2-D2C2 was made with other settings: imitation_weight (0.0 there, 0.25" in error
    run_here("compare", "compression", *arguments, "--students", "D2C2", "--run-dir", tmp_path)
    made = config(tmp_path, "sft-D3C2-D2C2")
    assert (made["imitation_weight"], made["stop_imitation_gradient"]) == (0.25, True)


@pytest.mark.slow
def test_ablation_has_a_student_trained_as_long(tiny_flags, sft_run, run_here):
    folder, _ = sft_run
    output, _ = run_here(
        *("compare", "ablation", *tiny_flags, *TRAINING, *NETWORKS, "--run-dir", folder)
    )
    assert "== student-D2C2: " in output
    assert ", 2 epochs ==" in output
    assert config(folder, "kd-none-D2C2")["imitation_weight"] == 0.5
    attention_only = config(folder, "kd-at-D2C2-target-only")
    assert attention_only["imitation_weight"] == 0.0
    assert attention_only["start_sha256"] == config(folder, "kd-at-D2C2")["start_sha256"]
    assert not (folder / "at-D2C2-target-only").exists()  # it shares its first stage
    assert config(folder / "twice-the-epochs", "student-D2C2")["epochs"] == 2
    assert len(table(folder / "compare-ablation" / "comparison.csv")) == 6


@pytest.mark.parametrize(
    ("given", "seeds"), [((), [42]), (("--seed", 3), [3]), (("--seeds", 8, 9), [8, 9])]
)
def test_seeds_of_every_row(tiny_flags, tmp_path, run_here, monkeypatch, given, seeds):
    asked = []
    monkeypatch.setattr(comparison, "compare", lambda *given: asked.append(given))
    run_here("compare", "ablation", *tiny_flags, *TRAINING, *given, "--run-dir", tmp_path)
    ((_, experiment, *rest),) = asked
    assert experiment.run_dir == tmp_path
    assert rest == [seeds, "compare-ablation"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("methods", "--batch-size", 1), "of a batch with each other, so it needs at least 2; the"),
        (("methods", "--student", "D2C3"), "need the same number of cascades, two or mo"),
        (("ablation", "--student", "VDSR7"), "VDSR7 takes"),
        (("ablation", "--rounds", 2), "--rounds belongs to architectures: leave it out"),
        (("architectures",), "--student belongs to methods and ablation: leave it out"),
        (("ablation", "--equal-epochs"), "--equal-epochs belongs to methods: leave it out"),
        (("ablation", "--fade-branches"), "--fade-branches belongs to methods and compression"),
        (("methods", "--fade-branches"), "half of the epochs, so there must be at least 2; got"),
        (("methods", "--branch-weight", "-1"), "argument --branch-weight: -1 is not a finite n"),
    ],
)
def test_impossible_grids_are_refused_before_training(
    tiny_flags, tmp_path, run_here, arguments, message
):
    flags = (*tiny_flags, *TRAINING, *NETWORKS, "--run-dir", tmp_path)
    _, error = run_here("compare", *flags, *arguments, expect=2)
    assert message in error
    assert list(tmp_path.iterdir()) == []
