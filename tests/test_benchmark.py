"""The benchmark: turns of fake contenders, medians and ratios, the real contenders, the script."""

import csv
import importlib.util
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import undersample

from kdmri_tf import DCCNN, AttentionTransfer, InputError, benchmark_training, phantom_volume
from kdmri_tf.benchmark import measure, peak_memory
from kdmri_tf.benchmark_report import Contender, Group, Report, Turn, make_folder
from kdmri_tf.benchmark_scaling import COLUMNS, measure_scaling, write_scaling
from kdmri_tf.benchmark_tensorflow import LOSSES, Training
from kdmri_tf.experiment import Experiment
from kdmri_tf.settings import TrainingSettings

SCRIPT = Path(__file__).parents[1] / "train" / "benchmark.py"
PYTORCH = Path(benchmark_training.__file__).with_name("benchmark_pytorch.py")

# Says its name in a file at every turn, takes as long as it is told and fails when it is told.
FAKE = """
import json, pathlib, sys
name, log, seconds, turns = sys.argv[1], *map(eval, sys.argv[2:])
for turn, line in enumerate(sys.stdin):
    if turn == turns:
        raise ValueError(f"{name} is tired")
    with open(log, "a") as file:
        file.write(name)
    print(json.dumps({"seconds": int(line) * seconds, "slices": 4 * int(line)}), flush=True)
"""


def fake(name, log, seconds=0.5, turns=1000, **facts):
    command = (sys.executable, "-c", FAKE, name, repr(str(log)), str(seconds), str(turns))
    return Contender(name, command, **facts)


def measured(contenders, rounds=3, seconds=1.0, **facts):
    group = Group("distillation", (150, 150), 4, tuple(contenders), **facts)
    report = Report("Training", "a test", [group])
    measure(report, rounds, seconds)
    return report, group


def test_contenders_take_turns(tmp_path):
    log = tmp_path / "log"
    report, group = measured([fake(name, log) for name in "abc"])
    assert log.read_text() == "aabbcc" + "abc" * 3
    assert [(turn.contender, turn.round) for turn in report.turns] == [
        (name, number) for number in (1, 2, 3) for name in "abc"
    ]
    assert all(turn.group is group for turn in report.turns)


def test_turn_is_as_long_as_asked(tmp_path):
    slow, fast = fake("slow", tmp_path / "log", 5.0), fake("fast", tmp_path / "log", 0.125)
    report, _ = measured([slow, fast], rounds=1)
    assert [(turn.seconds, turn.slices) for turn in report.turns] == [(5.0, 4), (1.0, 32)]


def test_environment_reaches_the_contender():
    command = (
        sys.executable,
        "-c",
        "import os, sys\n"
        'for line in sys.stdin: print(\'{"seconds": 1, "slices": %s}\' % os.environ["MANY"], '
        "flush=True)",
    )
    report, _ = measured([Contender("a", command, {"MANY": "7"})], rounds=1)
    assert report.turns[0].slices == 7


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_failing_contender_leaves_the_others_alone(tmp_path, capsys, turns):
    log = tmp_path / "log"
    report, group = measured([fake("a", log), fake("b", log, turns=turns), fake("c", log)])
    assert log.read_text().replace("b", "") == "aacc" + "ac" * 3
    assert report.failures == {(group, "b"): "ValueError: b is tired"}
    assert "b failed: ValueError: b is tired" in capsys.readouterr().err
    assert len(report.speeds(group, "b")) == max(0, turns - 2)
    assert "Failed: b: ValueError: b is tired" in report.to_markdown()


def test_contender_that_does_not_answer_or_start():
    silent = Contender("silent", (sys.executable, "-c", "import sys; sys.exit(3)"))
    chatty = Contender("chatty", (sys.executable, "-c", "print('hello'); input()"))
    report, group = measured([silent, chatty], rounds=1)
    assert report.turns == []
    assert set(report.failures) == {(group, "silent"), (group, "chatty")}
    assert report.median_speed(group, "silent") is None
    assert "| silent | failed | - | - |" in report.to_markdown()


def test_processes_end_with_the_measurement(tmp_path):
    command = (
        sys.executable,
        "-c",
        f"import os, sys, pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str("
        'os.getpid()))\nfor line in sys.stdin: print(\'{"seconds": 1, "slices": 1}\', flush=True)',
    )

    class Interrupted(Report):
        @property
        def turns(self):
            raise KeyboardInterrupt

        @turns.setter
        def turns(self, value):
            pass

    group = Group("student", (8, 8), 1, (Contender("a", command),))
    with pytest.raises(KeyboardInterrupt):
        measure(Interrupted("Training", "a test", [group]), 1, 1.0)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


@pytest.fixture
def report():
    """Three contenders whose speeds are known; the machine is half as fast in the third round."""
    contenders = (
        Contender("plain", ()),
        Contender("quick", (), previous="plain"),
        Contender("other", (), framework="PyTorch"),
        Contender("slowest", (), framework="PyTorch"),
    )
    rivals = {"best other": ("slowest", "other")}
    group = Group("distillation", (640, 368), 2, contenders, rivals)
    report = Report("Training", "a test", [group], notes=("As a test.",))
    speeds = {"plain": (10, 12, 5), "quick": (30, 24, 20), "other": (20, 24, 10), "slowest": (1,)}
    for name, values in speeds.items():
        for number, speed in enumerate(values, start=1):
            report.turns.append(Turn(group, name, number, 2 * speed, 2.0, 10**9 * number))
    return report


def test_medians_and_paired_ratios(report):
    (group,) = report.groups
    assert report.median_speed(group, "plain") == 10
    assert report.median_speed(group, "quick") == 24
    assert report.ratio(group, "quick", "plain") == 3.0  # of 3, 2 and 4: not 24 / 10
    assert report.ratio(group, "plain", "slowest") == 10  # of the one round that both have
    assert report.fastest(group, ("slowest", "other")) == "other"


def test_markdown(report):
    text = report.to_markdown()
    assert text.startswith("**Training on a test.** Medians over the rounds")
    assert "### distillation, 640x368, batch 2" in text
    assert "|  | slices/s | vs plain | vs row above | vs best other | peak memory |" in text
    assert "| plain | 10.0 | 1.00x | - | 0.50x | 3.00 GB |" in text
    assert "| quick | 24.0 | 3.00x | 3.00x | 1.50x | 3.00 GB |" in text
    assert text.endswith("As a test.\n")


def test_files(report, tmp_path):
    assert report.write(tmp_path, "training") == (tmp_path / "training.md").read_text()
    with open(tmp_path / "training.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report.turns)
    assert rows[3] == {
        "work": "distillation",
        "height": "640",
        "width": "368",
        "batch_size": "2",
        "contender": "quick",
        "round": "1",
        "slices": "60",
        "seconds": "2.0",
        "slices_per_second": "30.0",
        "peak_memory_bytes": "1000000000",
        "device": "a test",
    }
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be made .*; give another"):
        make_folder(tmp_path / "file" / "benchmark")


def test_peak_memory_is_that_of_one_process():
    """Not of its parent, which holds TensorFlow here."""
    command = [
        *(sys.executable, "-c"),
        "import re; print(1024 * int(re.search('VmHWM:\\s+(\\d+)', open('/proc/self/status')"
        ".read())[1]))",
    ]
    if peak_memory() is None:
        pytest.skip("no /proc on this system")
    small = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert small < 10**8 < peak_memory()
    assert peak_memory(-1) is None


def test_every_choice_is_added_to_the_row_above():
    groups = benchmark_training.training_groups([(150, 150), (640, 368)])
    stages = ["teacher", "student", "attention", "distillation"]
    assert [(group.work, group.image_size, group.batch_size) for group in groups] == [
        *((stage, (150, 150), 4) for stage in stages),
        *((stage, (640, 368), 1) for stage in stages),
    ]
    ladder = groups[3].contenders
    assert [contender.previous for contender in ladder] == [
        None,
        *(contender.name for contender in ladder[:-1]),
    ]
    arguments = [json.loads(contender.command[-1]) for contender in ladder]
    for before, after in itertools.pairwise(arguments):
        assert before.items() < after.items()
        assert len(after) == len(before) + 1
    for group in (*groups[:3], *groups[4:]):
        reference, best = (json.loads(contender.command[-1]) for contender in group.contenders)
        choices = {name: arguments[-1][name] for name in arguments[-1].keys() - arguments[0].keys()}
        assert best == {**reference, **choices}


def test_pytorch_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--torch needs PyTorch, .*: run pip install torch"):
        benchmark_training.training_groups([(150, 150)], torch=True)


def test_losses_are_those_of_an_experiment(data, tmp_path):
    compiled = {}

    class Recorded(Experiment):
        def _train(self, name, network, teacher=None, start=None, **losses):
            compiled[name.partition("-")[0]] = losses
            return network

    experiment = Recorded(data, tmp_path, TrainingSettings(filters=2))
    teacher, student = experiment.teacher("D2C2"), experiment.student("D2C2")
    experiment.attention(teacher, "D2C2")
    experiment.distilled(teacher, student)
    compiled["distillation"] = compiled.pop("kd")
    assert isinstance(compiled["attention"].pop("feature_loss"), AttentionTransfer)
    assert isinstance(LOSSES["attention"]["feature_loss"], AttentionTransfer)
    expected = {stage: dict(losses) for stage, losses in LOSSES.items()}
    del expected["attention"]["feature_loss"]
    assert compiled == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "choices"),
    [("attention", {}), ("distillation", {"many_steps": True, "teacher_cache": True})],
)
def test_training_counts_the_slices_it_trained_on(data_dir, stage, choices):
    """72 slices in batches of 5 are 15 steps, the last of 2 slices; 5 of them an execution."""
    contender = Training(stage, "cardiac", (40, 40), 5, str(data_dir), **choices)
    before = contender.network.get_weights()
    executions = (1, 2, 1) if choices else (5, 10, 5)
    assert [contender.run(count) for count in executions] == [25, 47, 25]
    after = contender.network.get_weights()
    assert any((new != old).any() for new, old in zip(after, before, strict=True))


# Loads weights and k-space from a file, as (name, array) in order, and prints images and losses.
PYTORCH_CHECK = """
import importlib.util, json, sys
import numpy as np, torch
spec = importlib.util.spec_from_file_location("loops", sys.argv[2])
loops = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loops)
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
network = loops.DCCNN(3, num_cascades=2, filters=4)
for parameter, weight in zip(network.parameters(), weights, strict=True):
    parameter.data = weight
for name in ("PapersMeasurement", "TunedMeasurement"):
    image, features = network(getattr(loops, name)(images, mask))
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
    command = [sys.executable, "-c", PYTORCH_CHECK, str(path), str(PYTORCH)]
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
    output = run(
        *("--sizes", "40x40", "--stages", "student", "--rounds", 2, "--seconds", 0.01),
        *("--data-dir", data_dir, "--output", tmp_path, *(["--torch"] if with_torch else [])),
    ).stdout
    assert (tmp_path / "training.md").read_text() in output
    assert "SYNTHETIC" in output
    assert "ailed" not in output
    with open(tmp_path / "training.csv") as file:
        turns = list(csv.DictReader(file))
    contenders = ["reference", "all choices"]
    if with_torch:
        contenders += ["PyTorch, papers' loop", *benchmark_training.TUNED_PYTORCH]
    assert [turn["contender"] for turn in turns] == contenders * 2
    assert all(float(turn["slices_per_second"]) > 0 for turn in turns)
    assert (tmp_path / "training.png").exists()


@pytest.mark.slow
def test_scaling():
    (row,) = measure_scaling((40, 40), 2, slices=[4], epochs=[2])
    assert tuple(row) == COLUMNS
    assert (row["slices"], row["epochs"]) == (4, 2)
    assert row["seconds"] > 0
    assert row["milliseconds_per_slice_and_epoch"] == pytest.approx(1000 * row["seconds"] / 8)


def test_scaling_that_fails_says_why():
    with pytest.raises(InputError, match=r"The training failed: .*each at least 32"):
        measure_scaling((8, 8), 2, slices=[4], epochs=[1])


def test_scaling_files(tmp_path):
    values = (24, 2, 4.8, 100.0, 1_250_000_000)
    text = write_scaling([dict(zip(COLUMNS, values, strict=True))], tmp_path, "a test")
    assert "| 24 | 2 | 4.8 | 100.0 | 1.25 GB |" in text
    assert (tmp_path / "scaling.md").read_text() == text
    with open(tmp_path / "scaling.csv") as file:
        (row,) = csv.DictReader(file)
    assert row["milliseconds_per_slice_and_epoch"] == "100.0"


def run(*arguments, expect=0):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def test_help_needs_no_tensorflow():
    tracing = [sys.executable, "-X", "importtime", str(SCRIPT), "--help"]
    done = subprocess.run(tracing, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"tensorflow", "keras", "numpy", "torch"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "150"], "invalid image_size value: '150'"),
        (["--sizes", "150x0"], "0 is less than 1"),
        (["--stages", "sleep"], "invalid choice: 'sleep'"),
        (["--seconds", "-1"], "-1 is no positive number"),
    ],
)
def test_mistakes_on_the_command_line(arguments, message):
    assert message in run(*arguments, expect=2).stderr
