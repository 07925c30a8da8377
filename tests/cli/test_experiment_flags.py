"""What the flags of training and data make of an experiment, each by its value."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from kdmri_tf import SimulatedAcquisition, TrainingSettings
from kdmri_tf.cli import flags, from_flags
from kdmri_tf.compute.devices import devices_in_words
from kdmri_tf.data.random_shifts import random_shifts

TRAINING = {
    ("--epochs", "7"): {"epochs": 7},
    ("--batch-size", "3"): {"batch_size": 3},
    ("--lr", "0.02"): {"learning_rate": 0.02},
    ("--lr-schedule", "constant"): {"schedule": "constant"},
    ("--seed", "5"): {"seed": 5},
    ("--precision", "mixed_bfloat16"): {"precision": "mixed_bfloat16"},
    ("--no-residual",): {"residual": False},
    ("--no-nonnegative",): {"nonnegative": False},
    ("--filters", "6"): {"filters": 6},
    ("--data-consistency", "rfft"): {"consistency_form": "rfft"},
    ("--noise-weight", "0.5"): {"noise_weight": 0.5},
    ("--consistency-steps", "2"): {"consistency_steps": 2},
    ("--ema-momentum", "0.25"): {"ema_momentum": 0.25},
}
BY_DATA = {"complex_images"}


@pytest.fixture
def experiment(data, tiny_flags, tmp_path, monkeypatch):
    """Makes the experiment of some more flags, on the tiny data set whatever they say of data."""
    monkeypatch.setattr(from_flags, "_load", lambda arguments, source: data)
    monkeypatch.setattr("kdmri_tf.compute.parallel.divide_cores", lambda batch_size: None)
    parser = flags.parser("Train.")

    def make(*given):
        places = ("--run-dir", str(tmp_path / "run"))
        return from_flags.experiment(parser.parse_args([*map(str, tiny_flags), *places, *given]))

    return make


@pytest.mark.parametrize(("flag", "settings"), TRAINING.items(), ids="".join)
def test_a_training_flag_sets_what_it_names_alone(experiment, flag, settings):
    assert experiment(*flag).settings == dataclasses.replace(TrainingSettings(), **settings)


def test_all_training_flags_together(experiment):
    settings = {name: value for given in TRAINING.values() for name, value in given.items()}
    assert settings.keys() == TrainingSettings.__annotations__.keys() - BY_DATA
    made = experiment(*(word for flag in TRAINING for word in flag))
    assert made.settings == TrainingSettings(**settings)


@pytest.mark.parametrize(
    ("given", "divided_among"),
    [((), [3]), (("--whole-batches",), []), (("--strategy", "mirrored"), [])],
)
def test_cores_are_divided_among_the_slices_of_a_batch(
    experiment, monkeypatch, given, divided_among
):
    asked = []
    monkeypatch.setattr("kdmri_tf.compute.parallel.divide_cores", asked.append)
    monkeypatch.setattr(from_flags, "_strategy", lambda *_: None)
    experiment("--batch-size", "3", *given)
    assert asked == divided_among


def test_a_training_says_what_it_runs_on(experiment, monkeypatch, capsys):
    experiment()
    assert f"; on {devices_in_words()}\n" in capsys.readouterr().out
    monkeypatch.setattr("kdmri_tf.compute.devices.idle_gpu", lambda: "A GPU has nothing to do.")
    with pytest.warns(match="A GPU has nothing to do"):
        experiment()


def test_workers_wait_for_each_other_as_long_as_they_are_told(experiment, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "kdmri_tf.compute.strategy.training_strategy", lambda *given: asked.append(given)
    )
    monkeypatch.setattr(from_flags, "_strategy", from_flags._strategy.__wrapped__)
    experiment("--strategy", "multiworker", "--worker-timeout", "12.5")
    assert asked == [("multiworker", 12.5)]


@pytest.fixture
def asked_of_data(tiny_flags, monkeypatch):
    """Returns what some more flags ask `load_data` for."""
    monkeypatch.setattr(
        "kdmri_tf.data.loading.load_data",
        lambda *places, **wishes: SimpleNamespace(places=places, wishes=wishes),
    )
    parser = flags.parser("Train.")

    def ask(*given):
        arguments = parser.parse_args([*map(str, tiny_flags), *given])
        return from_flags._load(arguments, "folder")

    return ask


def test_flags_of_simulated_scans(asked_of_data):
    ranges = ("--snr", "20", "--phase-strength", "1", "2", "--tissue-phase", "0.2", "0.4")
    scan = asked_of_data("--coils", "3", *ranges).wishes["acquisition"]
    assert scan == SimulatedAcquisition(3, snr=20, phase=(1, 2), tissue=(0.2, 0.4))


def test_flags_of_augmentation(asked_of_data):
    assert asked_of_data("--shifts").wishes["augment"] is random_shifts
    every = asked_of_data("--flips", "--shifts", "--contrast", "--zoom").wishes["augment"]
    names = ", ".join(f"random_{name}" for name in ("zoom", "shifts", "flips", "contrast"))
    assert every.__qualname__ == names


def test_options_of_beam_reach_the_preparation(asked_of_data):
    asked = asked_of_data("--beam-pipeline-options", "runner=SparkRunner")
    assert asked.wishes["beam_pipeline_options"] == "runner=SparkRunner"


@pytest.mark.parametrize("axis", [0, 1])
def test_a_list_of_lines_takes_a_phase_encode_axis(tiny_flags, tmp_path, run_here, axis):
    np.save(tmp_path / "lines.npy", np.arange(36) % 2 == 0)
    small = ("--student", "D2C1", "--filters", 2, "--epochs", 1, "--whole-batches")
    mask = ("--mask", tmp_path / "lines.npy", "--phase-encode-axis", axis)
    flags = (*tiny_flags, "--image-size", 36, 36, *mask, *small)
    output, _ = run_here("student", *flags, "--run-dir", tmp_path / "run")
    assert f"lines.npy, phase encode along axis {axis}, true acceleration 2.00" in output
