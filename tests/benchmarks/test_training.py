"""The training benchmark: what it compares, its contenders here and in PyTorch, its script."""

import csv
import importlib.util
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from command_line import run
from conftest import undersample

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    InputError,
    calibration_region,
    gaussian_mask,
    phantom_volume,
)
from kdmri_tf.benchmarks import training
from kdmri_tf.benchmarks.tensorflow_training import LOSSES, Training
from kdmri_tf.benchmarks.training_sizes import ACCELERATION
from kdmri_tf.choices import MORE_STAGES, STAGES
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES
from kdmri_tf.physics.calibration import usual_center_lines
from kdmri_tf.physics.papers_sampling import PAPERS_SAMPLING
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.training.stage_trainer import StageTrainer


def test_every_choice_is_added_to_the_row_above():
    groups = training.training_groups([(150, 150), (640, 368)])
    stages = ["teacher", "sft", "student", "attention", "distillation"]
    assert [(group.work, group.image_size, group.batch_size) for group in groups] == [
        *((stage, (150, 150), 4) for stage in stages),
        *((stage, (640, 368), 1) for stage in stages),
    ]
    ladder = groups[4].contenders
    assert [contender.previous for contender in ladder] == [
        None,
        *(contender.name for contender in ladder[:-1]),
    ]
    arguments = [chosen(contender) for contender in ladder]
    for before, after in itertools.pairwise(arguments):
        assert before.items() < after.items()
        assert len(after) == len(before) + 1
    for group in (*groups[:4], *groups[5:]):
        reference, best = map(chosen, group.contenders[:2])
        choices = {name: arguments[-1][name] for name in arguments[-1].keys() - arguments[0].keys()}
        assert best == {**reference, **choices}


def chosen(contender):
    """What a contender is told."""
    return json.loads(contender.command[-1])


def test_joint_training_is_measured_beside_the_teacher_alone():
    teacher, joint = training.training_groups([(150, 150)], ["teacher", "sft"])
    alone = joint.contenders[-1]
    assert alone.command == teacher.contenders[-1].command
    assert joint.rivals == {alone.name: (alone.name,)}


def test_methods_that_pytorch_does_not_have_are_measured_alone():
    pytest.importorskip("torch")
    stages = ("attention", *MORE_STAGES)
    first, *others = training.training_groups([(150, 150)], stages, torch=True)
    assert {c.framework for c in first.contenders} == {"TensorFlow", "PyTorch"}
    for group in others:
        assert [c.framework for c in group.contenders] == ["TensorFlow"] * 2
        assert not group.rivals


def test_complex_images_are_compared_with_magnitudes():
    stages = ["distillation", "teacher"]
    distillation, teacher = training.training_groups([(150, 150)], stages, coils=(1, 8))
    last_choice = list(training.CHOICES)[-1]
    for group, fastest in ((distillation, last_choice), (teacher, training.ALL_CHOICES)):
        *_, one, many = group.contenders
        assert (one.name, many.name) == ("complex images, 1 coil", "complex images, 8 coils")
        assert json.loads(many.command[-1])["coils"] == 8
        assert json.loads(many.command[-1])["precision"] == "mixed_bfloat16"
        assert group.rivals == {"magnitude images, all choices": (fastest,)}
    (twice,) = training.training_groups([(150, 150)], ["teacher"], coils=(4, 4))
    assert len(twice.contenders) == 3


@pytest.mark.parametrize(
    ("size", "coils", "message"),
    [
        ((16, 64), (), "--sizes 16x64: synthetic images have at least 32 pixels along each side"),
        (
            (39, 64),
            (),
            "39 lines are too few for the 10 centre lines of .* height of at least 40",
        ),
        ((64, 47), (1,), "47 lines are too few for the 8 centre lines .* a width of at least 48"),
    ],
)
def test_images_that_are_too_small_are_refused_before_any_process_starts(size, coils, message):
    with pytest.raises(InputError, match=message):
        training.training_groups([(150, 150), size], coils=coils)


def test_images_that_are_just_large_enough_have_masks():
    for size, coils in (((40, 32), ()), ((40, 48), (1,))):
        assert training.training_groups([size], ["student"], coils=coils)
    gaussian_mask((40, 32), ACCELERATION, PAPERS_SAMPLING["cardiac"].center_lines)
    lines = usual_center_lines(48, ACCELERATION)
    assert calibration_region(gaussian_mask((40, 48), ACCELERATION, lines, axis=1))[1] == 8


def test_stages_that_pytorch_does_not_have():
    with pytest.raises(InputError, match=r"--torch has no stage cc or sft: add one of teacher, st"):
        training.training_groups([(150, 150)], ["cc", "sft"], torch=True)


def test_a_folder_of_data_may_be_a_path(tmp_path):
    (group,) = training.training_groups([(150, 150)], ["student"], data_dir=tmp_path)
    assert chosen(group.contenders[0])["data_dir"] == str(tmp_path)


def test_a_training_benchmark_without_a_turn_is_refused(tmp_path, monkeypatch):
    def fail(report, *_):
        (group,) = report.groups
        report.failures[group, "reference"] = "it is tired"

    monkeypatch.setattr(training, "measure", fail)
    facts = {"batch_size": None, "rounds": 1, "seconds": 0.1, "torch": False, "data_dir": None}
    with pytest.raises(InputError, match="every contender failed, first reference"):
        training.run(tmp_path, sizes=[(150, 150)], stages=["student"], **facts)
    assert list(tmp_path.iterdir()) == []


def test_pytorch_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--torch needs PyTorch, .*: run pip install torch"):
        training.training_groups([(150, 150)], torch=True)


def test_losses_are_those_of_an_experiment(data, tmp_path, monkeypatch):
    compiled = {}

    def train(self, name, network, teacher=None, initial_digest=None, **losses):
        compiled[name.partition("-")[0]] = losses
        return network

    monkeypatch.setattr(StageTrainer, "train", train)
    experiment = Experiment(data, tmp_path, TrainingSettings(filters=2))
    experiment.student("D2C2")
    teacher = experiment.teacher("D2C2")
    for method in FEATURE_LOSSES:
        experiment.distil(teacher, "D2C2", method)
    compiled["attention"] = compiled.pop("at")
    compiled["distillation"] = compiled.pop("kd")
    compiled["sft"] = {}  # the defaults, as of `Experiment.friendly_teacher`
    for losses in (compiled, LOSSES):
        assert losses.keys() == {*STAGES, *MORE_STAGES}
    for stage, losses in compiled.items():
        kinds = [type(found.get("feature_loss")) for found in (losses, LOSSES[stage])]
        assert kinds[0] is kinds[1]
        assert {**losses, "feature_loss": None} == {**LOSSES[stage], "feature_loss": None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "choices"),
    [
        ("attention", {}),
        ("sft", {"many_steps": True}),
        ("cc", {"many_steps": True, "teacher_cache": True}),
        ("distillation", {"many_steps": True, "teacher_cache": True}),
        ("distillation", {"many_steps": True, "teacher_cache": True, "coils": 1}),
    ],
)
def test_training_counts_the_slices_it_trained_on(data_dir, stage, choices):
    """72 slices in batches of 5 are 15 steps, the last of 2 slices; 5 of them an execution."""
    size = (56, 56) if "coils" in choices else (40, 40)  # whose masks measure 8 centre lines
    contender = Training(stage, "cardiac", size, 5, str(data_dir), **choices)
    before = contender.network.get_weights()
    executions = (1, 2, 1) if choices else (5, 10, 5)
    assert [contender.run(count) for count in executions] == [25, 47, 25]
    after = contender.network.get_weights()
    assert any((new != old).any() for new, old in zip(after, before, strict=True))


# Loads weights and k-space from a file, as (name, array) in order, and prints images and losses.
PYTORCH_CHECK = """
import json, sys
import numpy as np, torch
from kdmri_tf.benchmarks import pytorch_networks, pytorch_training as loops
assert "tensorflow" not in sys.modules
torch.set_num_threads(1)
with np.load(sys.argv[1]) as file:
    arrays = [torch.tensor(file[key]) for key in sorted(file.files)]
*weights, images, mask = arrays
result = {"losses": {}}
for form in loops.FORMS:
    for stage in ("teacher", "student", "attention", "distillation"):
        loop = loops.Training(stage, [*mask.shape], len(images), form)
        first = loop.loss()
        loop.run(2)
        result["losses"].setdefault(stage, []).append([first.item(), loop.loss().item()])
network = pytorch_networks.DCCNN(3, num_cascades=2, filters=4)
for parameter, weight in zip(network.parameters(), weights, strict=True):
    parameter.data = weight
for name in ("PapersMeasurement", "TunedMeasurement"):
    image, features = network(getattr(pytorch_networks, name).of_images(images, mask))
    result[name] = image[:, 0].tolist()
result["attention"] = loops.attention_loss(features, [f[:, :2] for f in features]).item()
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def pytorch(tmp_path_factory):
    """What `PYTORCH_CHECK` found, and the network, images and mask that it was given."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    network = DCCNN(3, 2, filters=4)
    images = phantom_volume("cardiac", (40, 38), 2, seed=3)
    inputs = undersample(images, acceleration=3)
    arrays = [
        weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight
        for weight in network.get_weights()
    ]
    arrays += [images[:, np.newaxis], inputs["mask"][0]]
    path = tmp_path_factory.mktemp("pytorch") / "arrays.npz"
    np.savez(path, **{f"{index:02d}": array for index, array in enumerate(arrays)})
    command = [sys.executable, "-c", PYTORCH_CHECK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), network, inputs


def test_pytorch_network_is_ours(pytorch):
    found, network, inputs = pytorch
    image, features = network(inputs, return_features=True)
    for name in ("PapersMeasurement", "TunedMeasurement"):
        np.testing.assert_allclose(np.array(found[name])[..., np.newaxis], image, atol=2e-6)
    students = [feature[..., :2] for feature in features]
    assert found["attention"] == pytest.approx(float(AttentionTransfer()(features, students)), 1e-4)


def test_pytorch_loops_minimise_the_same_loss(pytorch):
    found, *_ = pytorch
    for papers, float32, bfloat16 in found["losses"].values():
        np.testing.assert_allclose(float32, papers, rtol=1e-4)
        np.testing.assert_allclose(bfloat16, papers, rtol=0.03)
        assert papers[1] < papers[0]


@pytest.mark.slow
def test_script(data_dir, tmp_path):
    with_torch = importlib.util.find_spec("torch") is not None
    output, _ = run(
        "benchmark",
        *("--sizes", "40x40", "--stages", "student", "--rounds", 2, "--seconds", 0.01),
        *("--data-dir", data_dir, "--output", tmp_path, *(["--torch"] if with_torch else [])),
    )
    assert (tmp_path / "training.md").read_text() in output
    assert "SYNTHETIC" in output
    assert "ailed" not in output
    with open(tmp_path / "training.csv") as file:
        turns = list(csv.DictReader(file))
    contenders = ["reference", "all choices"]
    if with_torch:
        contenders += ["PyTorch, papers' loop", *training.TUNED_PYTORCH]
    assert [turn["contender"] for turn in turns] == contenders * 2
    assert all(float(turn["slices_per_second"]) > 0 for turn in turns)
    assert (tmp_path / "training.png").exists()
