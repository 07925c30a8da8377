"""Settings of the student-friendly teacher: one place of defaults, none without effect."""

import inspect

import pytest

from kdmri_tf import InputError, StudentFriendlyTeacher
from kdmri_tf.cli import distillation_flags, flags, from_flags
from kdmri_tf.distillation.friendly_settings import PAPER, FriendlySettings


def test_the_model_has_the_same_defaults():
    parameters = inspect.signature(StudentFriendlyTeacher.compile).parameters
    for name, value in FriendlySettings().compile_arguments.items():
        assert parameters[name].default == value


def test_a_configuration_names_what_differs_from_the_paper():
    assert FriendlySettings(**PAPER).config == {}
    assert FriendlySettings(imitation_weight=0.0, fade_branches=True).config == {
        "imitation_weight": 0.0,
        "fade_branches": True,
    }


def test_the_help_of_the_flags_has_the_same_defaults():
    parser = flags.parser("test")
    distillation_flags.add_friendly_teacher(parser)
    for action in parser._actions:
        if action.dest in PAPER and action.dest.endswith("_weight"):
            default = getattr(FriendlySettings, action.dest)
            assert action.help.endswith(f"(paper: {PAPER[action.dest]:g}; default: {default:g})")


def test_settings_without_effect_are_refused():
    with pytest.raises(InputError, match="concerns the imitation term, whose weight is 0: leave"):
        FriendlySettings(imitation_weight=0.0, stop_imitation_gradient=True)
    with pytest.raises(InputError, match="branch_weight and imitation_weight are 0: leave it out"):
        FriendlySettings(branch_weight=0.0, imitation_weight=0.0, fade_branches=True)
    FriendlySettings(branch_weight=0.0, imitation_weight=1.0, fade_branches=True)


def test_flags_are_those_settings():
    assert list(distillation_flags.OF_FRIENDLY_TEACHERS) == list(PAPER)
    parser = flags.parser("test")
    distillation_flags.add_friendly_teacher(parser)
    none = parser.parse_args(["--dataset", "brain"])
    assert from_flags.friendly_settings(none) == {}
    chosen = ["--imitation-weight", "0.1", "--branch-weight", "0", "--stop-imitation-gradient"]
    assert from_flags.friendly_settings(parser.parse_args(["--dataset", "brain", *chosen])) == {
        "imitation_weight": 0.1,
        "branch_weight": 0.0,
        "stop_imitation_gradient": True,
    }
