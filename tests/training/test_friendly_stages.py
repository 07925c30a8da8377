"""Stages of student-friendly teachers: their settings, and what is refused before they train."""

import dataclasses
import json

import pytest

from kdmri_tf import InputError, TrainingSettings
from kdmri_tf.distillation.branch_fading import BranchFading
from kdmri_tf.distillation.friendly_settings import PAPER, FriendlySettings
from kdmri_tf.networks.saved import load_network
from kdmri_tf.training.experiment import Experiment

SETTINGS = TrainingSettings(epochs=1, filters=2)


def test_friendly_teacher_leaves_its_student_beside_it(data, tmp_path, trained):
    made = Experiment(data, tmp_path, SETTINGS)
    teacher, path = made.friendly_teacher("D3C2", "D2C2", branch_weight=2.0)
    losses = FriendlySettings(branch_weight=2.0).compile_arguments
    assert trained == {"sft-D3C2-D2C2": {**losses, "callbacks": []}}
    assert (teacher.architecture, load_network(path).architecture) == ("D3C2", "D2C2")
    config = json.loads((path.parent / "config.json").read_text())["config"]
    assert config["branch_weight"] == 2.0


def test_a_friendly_teacher_of_other_settings_is_another(data, tmp_path, trained):
    """The paper's settings are those of stages that name none, as all of earlier versions."""
    made = Experiment(data, tmp_path, dataclasses.replace(SETTINGS, epochs=2))
    _, path = made.friendly_teacher("D3C2", "D2C2", **PAPER)
    config = json.loads((path.parent / "config.json").read_text())["config"]
    assert not config.keys() & PAPER.keys()
    made.friendly_teacher("D3C2", "D2C2", imitation_weight=1.0)
    others = {
        r"stop_imitation_gradient \(None there, True now\)": {"stop_imitation_gradient": True},
        r"fade_branches \(None there, True now\)": {"fade_branches": True},
        r"imitation_weight \(None there, 0\.25 now\)": {"imitation_weight": 0.25},
    }
    for message, changes in others.items():
        with pytest.raises(InputError, match=f"made with other settings: {message}"):
            made.friendly_teacher("D3C2", "D2C2", **{**PAPER, **changes})


def test_branches_fade_over_the_epochs_of_the_settings(data, tmp_path, trained):
    made = Experiment(data, tmp_path, dataclasses.replace(SETTINGS, epochs=3))
    made.friendly_teacher("D3C2", "D2C2", fade_branches=True, imitation_weight=0.5)
    (losses,) = trained.values()
    (callback,) = losses["callbacks"]
    assert (type(callback), callback.epochs) == (BranchFading, 3)
    assert losses["imitation_weight"] == 0.5
    assert "fade_branches" not in losses


@pytest.mark.parametrize(
    ("friendly", "message"),
    [
        ({"branch_weight": -1.0}, "branch_weight must not be negative; got -1"),
        ({"fade_branches": True}, "epochs, so there must be at least 2; got 1"),
        ({"stop_imitation_gradient": True, "imitation_weight": 0.0}, "term, whose weight is 0"),
    ],
)
def test_bad_settings_of_a_friendly_teacher(data, tmp_path, friendly, message):
    with pytest.raises(InputError, match=message):
        Experiment(data, tmp_path, SETTINGS).check("D3C2", "D2C2", sft=True, **friendly)


def test_branches_that_cannot_be_joined(data, tmp_path):
    made = Experiment(data, tmp_path, SETTINGS)
    made.check("D3C1", "D2C1")
    with pytest.raises(InputError, match="two or more; the teacher is a D3C1"):
        made.check("D3C1", "D2C1", sft=True)
