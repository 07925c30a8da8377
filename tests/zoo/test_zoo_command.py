"""`kdmri zoo` lists and explains without TensorFlow; commands take names of the zoo."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kdmri_tf import list_networks, phantom_volume
from kdmri_tf.cli import benchmark_flags, kd
from kdmri_tf.evaluation.table import COLUMNS, with_deviation
from kdmri_tf.export.formats import output_beside
from kdmri_tf.training.stage_config import warn_of_other_training

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "zoo.md"


def kdmri(*words):
    """(output, names of all modules that were imported)."""
    line = [sys.executable, "-X", "importtime", "-m", "kdmri_tf", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return done.stdout, {line.split("|")[-1].strip() for line in done.stderr.splitlines()}


def test_the_list_needs_no_tensorflow():
    output, imported = kdmri("zoo")
    for name, card in list_networks().items():
        (line,) = (line for line in output.splitlines() if line.startswith(f"| {name} |"))
        assert card["licence"] in line
        assert f"{card['network']['parameters']:,}" in line
    assert "not for clinical use" in output
    assert not imported & {"tensorflow", "keras", "numpy"}


def test_a_card_needs_no_tensorflow():
    output, imported = kdmri("zoo", "cardiac-4x")
    assert output.startswith("# cardiac-4x\n")
    for words in (
        "not for clinical use",
        "licence: CC BY-NC-SA 4.0",
        "train: 18 patients, 36 volumes, 340 slices",
        "over 20 volumes of 10 patients",
        "| cardiac-4x | 30.82 ± 2.18 | 0.8878 ± 0.0292 |",
        "teacher: `cardiac-4x-teacher`",
        "kdmri compare methods --dataset cardiac --acc 4 --manual-dir quarter --mask",
        "epochs: 20 in this stage",
        "not for the raw k-space of a scanner",
        "https://arxiv.org/abs/2004.05319",
    ):
        assert words in output
    assert not imported & {"tensorflow", "keras", "numpy"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["liver-9x"], "There is no network liver-9x in the zoo, which has brain-4x-coils, br"),
        (["--task", "all"], "--task describes a network to --add: leave it out."),
        (["--add", "stage"], "--add needs a name for the network, such as cardiac-4x."),
        (
            ["a-b", "--add", "stage", "--task", "all"],
            "--add needs --origin, in words, for the card",
        ),
    ],
)
def test_mistakes_end_in_one_line(run_here, words, message):
    _, error = run_here("zoo", *words, expect=2)
    assert error.startswith(f"error: {message}")


def test_names_stand_where_files_do():
    words = "--dataset cardiac --teacher cardiac-4x-teacher --student cardiac-4x"
    chosen = kd.parser("").parse_args([*words.split(), "--student-init", "cardiac-4x"])
    assert (chosen.teacher, chosen.student) == ("cardiac-4x-teacher", "cardiac-4x")
    assert chosen.student_init == "cardiac-4x"
    measured = benchmark_flags.parser().parse_args(["--networks", "a=cardiac-4x"])
    assert measured.networks == [("a", "cardiac-4x")]
    assert output_beside("cardiac-4x", "litert", "int8") == Path("cardiac-4x-int8.tflite")


def test_other_data_than_those_of_the_card_bring_a_warning(data):
    with pytest.warns(UserWarning, match="student cardiac-4x was trained differently: accelera"):
        warn_of_other_training("student", "cardiac-4x", data)


def test_a_name_and_a_file_are_all_that_a_reconstruction_needs(run_here, tmp_path):
    np.save(tmp_path / "heart.npy", phantom_volume("cardiac", (150, 150), 1, 0))
    output, error = run_here(
        "reconstruct", "cardiac-4x", tmp_path / "heart.npy", tmp_path / "a.npy"
    )
    assert "Model cardiac-4x (keras): D3C5, trained on cardiac data (acdc); not for cl" in output
    assert "undersampled by the mask of the network's training, true acceleration 4.05" in output
    assert error == ""


def test_the_documentation_has_the_numbers_of_the_cards():
    lines = DOCUMENTATION.read_text(encoding="utf-8").splitlines()
    for name, card in list_networks().items():
        (line,) = (line for line in lines if line.startswith(f"| `{name}` |"))
        for metric in ("psnr", "ssim"):
            value = card["evaluation"]["metrics"][metric]
            assert with_deviation(value["mean"], value["std"], COLUMNS[metric][1]) in line
