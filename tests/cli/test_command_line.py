"""Usage and mistakes: what scripts say instead of a traceback, and what becomes of their flags."""

import dataclasses

import pytest
from command_line import TRAIN, imports_of, imports_of_help, run

from kdmri_tf import TrainingSettings, choices, random_contrast, random_flips
from kdmri_tf.cli import distillation_flags, flags, from_flags
from kdmri_tf.cli.evaluate import folder_of
from kdmri_tf.distillation import teacher_cache
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES
from kdmri_tf.export.formats import FORMATS
from kdmri_tf.physics.samplers import SAMPLERS
from kdmri_tf.training import comparison

SCRIPTS = sorted(path.stem for path in TRAIN.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_needs_no_tensorflow(script):
    assert not imports_of_help(script) & {"tensorflow", "keras", "numpy", "torch"}


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("kd", ["--dataset", "liver"], "invalid choice: 'liver'"),
        ("kd", [], "the following arguments are required: --dataset"),
        (
            "teacher",
            ["--dataset", "knee", "--acc", "fast"],
            "argument --acc: 'fast' is not a number",
        ),
        ("teacher", ["--dataset", "knee", "--epochs", "0"], "0 is less than 1"),
        ("teacher", ["--dataset", "knee", "--lr", "-1"], "-1 is not a positive number"),
        ("teacher", ["--dataset", "knee", "--seed", "-1"], "-1 is not between 0 and 2^31 - 1"),
        ("evaluate", ["--dataset", "brain", "nonsense"], "'nonsense' is not NAME=MODEL.keras"),
        ("kd", ["--dataset", "knee", "--teacher", "big"], "'big' is neither a name DdCc, such as"),
        ("kd", ["--dataset", "knee", "--student", "no.keras"], "there is no model no.keras"),
        ("kd", ["--dataset", "knee", "--student-init", "D3C5"], "'D3C5' is not a .keras file"),
        ("kd", ["--dataset", "knee", "--teacher", "liver-9x"], "There is no network liver-9x in t"),
        (
            "teacher",
            ["--dataset", "knee", "--teacher", "cardiac-4x"],
            "cardiac-4x is a trained network; give the name of one to train",
        ),
        (
            "teacher",
            ["--dataset", "knee", "--teacher", "a.keras"],
            "a.keras is a trained network; ",
        ),
        ("kd", ["--dataset", "knee", "--alpha", "2"], "2 is not between 0 and 1"),
        ("benchmark", ["--sizes", "150"], "argument --sizes: '150' is not HxW, such as 640x368"),
        ("benchmark", ["--sizes", "150x0"], "0 is less than 1"),
        ("benchmark", ["--stages", "sleep"], "invalid choice: 'sleep'"),
        ("benchmark", ["--seconds", "-1"], "-1 is not a positive number"),
        (
            "benchmark",
            ["--inference", "--networks", "a=D2C1", "--manual-dir", "raw"],
            "--manual-dir and --data-dir name the data that trained networks are exported on: give",
        ),
        ("benchmark", ["--threads", "2"], "--threads needs --inference: add that, or leave this"),
        (
            "benchmark",
            ["--inference", "--stages", "sft"],
            "--stages is for training: leave it or --inference out",
        ),
        ("benchmark", ["--networks", "D5C5"], "'D5C5' is not NAME=NETWORK, such as student=D3C5"),
        ("evaluate", ["--dataset", "brain", "a.keras"], "'a.keras' is not NAME=MODEL.keras"),
        ("benchmark", ["--networks", "..=D5C5"], "'..' names a folder: give a name of letters"),
        ("benchmark", ["--networks", "a/b=D5C5"], "'a/b' names a folder: give a name without /"),
        (
            "benchmark",
            ["--inference", "--networks", "a=D5C5", "a=D3C5"],
            "Two networks have the same name: a, a; give each its own.",
        ),
        (
            "evaluate",
            ["--dataset", "brain", b"h\xe4nsel=a.keras"],
            r"'h\udce4nsel' has characters that cannot be printed: give a name without them",
        ),
        ("benchmark", ["--networks", "a\nb=D5C5"], r"'a\nb' has characters that cannot be printed"),
        ("benchmark", ["--networks", "a=no.keras"], "there is no model no.keras"),
        ("benchmark", ["--sizes", "100000x100000"], "--sizes: An image of 100000x100000 has 10,00"),
        ("benchmark", ["--rounds", "1000000"], "--rounds: 1000000 is more than 10,000"),
        ("benchmark", ["--seconds", "1e9"], "--seconds: 1e9 is more than an hour, 3600"),
        ("benchmark", ["--batch-sizes", "1", "9" * 5], "--batch-sizes: 99999 is more than 10,000"),
        ("benchmark", ["--threads", "1000000"], "--threads: 1000000 is more than 4,096"),
        ("benchmark", ["--networks", "a=D99999C99999"], "D99999C99999 has 9,999,800,001 convolu"),
        ("export", ["a.keras", "--image-size", "99999", "99999"], "99999x99999 has 9,999,800,001"),
        ("reconstruct", ["a", "b", "c", "--batch-size", "1000000"], "1000000 is more than 10,000"),
        ("reconstruct", ["a", "b", "c", "--acc", "1e300"], "1e300 is not between 1e-12 and 1e+12"),
    ],
)
def test_mistakes_on_the_command_line(script, arguments, message):
    _, error = run(script, *arguments, expect=2)
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--filters 999999999999", "--filters: 999999999999 is more than 4,096"),
        ("--image-size 100000 100000", "An image of 100000x100000 has 10,000,000,000 pixels, but"),
        ("--batch-size 1000000", "--batch-size: 1000000 is more than 10,000"),
        (f"--epochs {10**12}", "--epochs: 1000000000000 is more than 1,000,000"),
        (f"--epochs {'9' * 5000}", f"--epochs: '{'9' * 40}' is not a whole number"),
        (
            "--teacher D99999C99999",
            "D99999C99999 has 9,999,800,001 convolutions, but a network may",
        ),
        (f"--student D{'9' * 5000}C2", "999' is neither a name DdCc, such as D5C5 or D5C8-unshu"),
        ("--teacher D1C5", "D1C5 is no network: there must be at least 2 convolutions, in at le"),
        ("--student D3C0", "D3C0 is no network: there must be at least 2 convolutions, in at le"),
        ("--scale 2 --teacher VDSR5000", "VDSR5000 has 5,000 convolutions, but a network may have"),
        ("--filters 4096", "D5C5 with 4,096 filters has 2,265,292,800 weights, but a network may"),
        ("--center-lines 1000000", "--center-lines: 1000000 is more than 100,000"),
        ("--lr 1e300", "--lr: 1e300 is not between 1e-12 and 1e+12"),
        ("--lr nan", "--lr: nan is not a positive number"),
        ("--teacher-memory 1e308", "--teacher-memory: 1e308 is not between 1e-12 and 1e+12"),
        ("--feature-weight inf", "--feature-weight: inf is not between 1e-12 and 1e+12"),
    ],
)
def test_impossible_sizes_are_refused_before_any_work(arguments, message, run_here, tmp_path):
    where = ("--data-dir", tmp_path / "data", "--run-dir", tmp_path / "run")
    _, error = run_here("kd", "--dataset", "cardiac", *arguments.split(), *where, expect=2)
    assert message in error.splitlines()[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("letter", ["a", "脳", "ä"])
def test_a_table_of_many_networks_has_a_folder_of_its_own(letter):
    names = [f"{letter * 20} {number}" for number in range(9)]
    first, second = folder_of(names), folder_of([*names[:-1], "other"])
    assert first.startswith(f"evaluation-{letter * 20}-0-")
    assert first != second
    assert max(len(folder.encode()) for folder in (first, second)) <= 255


def test_defaults_are_in_the_help(run_here):
    shown = " ".join(run_here("compare", "--help")[0].split())
    words = "name, trained .keras file or name of the zoo"
    assert f"--student NETWORK {words} (default: D3C5)" in shown
    assert f"--teacher NETWORK {words} (default: D5C5)" in shown


def test_numbers_of_usual_size_are_taken():
    parser = flags.parser("")
    distillation_flags.add_distillation(parser)
    words = "--dataset knee --filters 256 --image-size 640 368 --epochs 1000000 --lr 1e-6"
    chosen = parser.parse_args([*words.split(), "--teacher", "D20C50", "--teacher-memory", "1e-6"])
    assert (chosen.filters, chosen.image_size, chosen.epochs) == (256, [640, 368], 10**6)
    assert (chosen.lr, chosen.teacher, chosen.teacher_memory) == (1e-6, "D20C50", 1e-6)


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("kd", ["--student", "D3C1", "--method", "fsp"], "FlowOfSolution needs 2 cascades or more"),
        ("kd", ["--method", "none", "--joint"], "--method none compares no features: leave one"),
        ("sft", ["--feature-weight", "2"], "--feature-weight 2 weighs features against images"),
        (
            "compare",
            ["methods", "--students", "D4C5"],
            "--students belongs to compression and arch",
        ),
        ("compare", ["ablation", "--methods", "sp"], "--methods belongs to methods: leave it out"),
        ("compare", ["architectures", "--alpha", "0.3"], "--alpha belongs to methods and ablation"),
        ("teacher", ["--mask", "a.npy", "--mask-seed", "3"], "--mask-seed is for drawn masks, but"),
        ("teacher", ["--mask", "a.npy", "--center-lines", "3"], "--center-lines is for drawn"),
        ("teacher", ["--center-lines", "20"], "leaves 18 of 36 lines, fewer than the 20 centre"),
        ("teacher", ["--teacher", "VDSR3"], "VDSR3 takes"),
        ("evaluate", ["--acc", "40"], "leaves 0 of 36 lines, fewer than the 10 centre lines"),
    ],
)
def test_bad_values_end_in_one_line(tiny_flags, tmp_path, run_here, script, arguments, message):
    flags = (*tiny_flags, "--whole-batches", "--run-dir", tmp_path)
    _, error = run_here(script, *flags, *arguments, expect=2)
    assert any(line.startswith("error: ") for line in error.splitlines())
    assert message in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "ablation", "--dataset", "knee", "--rounds", "2"), "--rounds belongs to"),
        (
            ("compare", "architectures", "--dataset", "knee", "--students", "cardiac-4x"),
            "cardiac-4x is trained already: compare architectures by their names",
        ),
        (("papers", "--only", "knee-4x", "--fade-branches"), "--fade-branches only matters for"),
    ],
)
def test_flags_that_do_not_go_together_need_no_tensorflow(words, message):
    error, modules = imports_of(*words, expect=2)
    assert message in error
    assert "tensorflow" not in modules


def test_choices_are_those_of_the_package():
    """What a name stands for needs TensorFlow, which --help does not."""
    assert tuple(FEATURE_LOSSES) == choices.METHODS
    assert tuple(SAMPLERS) == choices.SAMPLERS
    assert tuple(FORMATS) == choices.EXPORT_FORMATS
    reductions = {reduction for kind in FORMATS.values() for reduction in kind.reductions}
    assert reductions == set(choices.REDUCTIONS)
    assert all(callable(getattr(comparison, grid)) for grid in choices.GRIDS)
    settings = {field.name for field in dataclasses.fields(TrainingSettings)}
    assert set(from_flags.SETTINGS) == settings - {"complex_images"}  # which follows from the data
    assert set(from_flags.SETTINGS.values()) <= {
        action.dest for action in flags.parser("")._actions
    }
    with_networks = flags.parser("")
    distillation_flags.add_networks(with_networks)
    budget = with_networks.get_default("teacher_memory") * 2**30
    assert budget == teacher_cache.MEMORY_BUDGET_BYTES


def test_flags_reach_the_data(monkeypatch):
    asked = {}

    class Asked(Exception):
        """Instead of preparing data."""

    def prepare(dataset, augment, **source):
        given = {"dataset": dataset, "augment": augment, **source}
        asked.update({name: value for name, value in given.items() if value is not None})
        raise Asked

    monkeypatch.setattr("kdmri_tf.data.loading._prepare", prepare)
    for task in (["--acc", "2"], ["--scale", "2"]):
        words = ["--dataset", "knee", "--manual-dir", "a", "--data-dir", "b", *task]
        words += ["--image-size", "40", "36", "--rebuild-data", "--skip-unreadable", "--flips"]
        words += ["--num-workers", "2"]
        with pytest.raises(Asked):
            from_flags._load(flags.parser("").parse_args(words), "folder")
        assert asked == {
            **{"dataset": "knee", "source": "folder", "manual_dir": "a", "data_dir": "b"},
            **{"image_size": [40, 36], "rebuild": True, "skip_unreadable": True},
            "num_workers": 2,
            "augment": random_flips,
        }
    words = ["--dataset", "knee", "--contrast"]
    with pytest.raises(Asked):
        from_flags._load(flags.parser("").parse_args(words), "folder")
    assert asked["augment"] is random_contrast
    with pytest.raises(Asked):
        from_flags._load(flags.parser("").parse_args([*words, "--flips"]), "folder")
    assert asked["augment"].__qualname__ == "random_flips, random_contrast"
    with pytest.raises(Asked):
        from_flags._load(flags.parser("").parse_args([*words, "--zoom"]), "folder")
    assert asked["augment"].__qualname__ == "random_zoom, random_contrast"


def test_flags_reach_the_distillation():
    parser = flags.parser("")
    distillation_flags.add_first_cascade(distillation_flags.add_distillation(parser))
    words = ["--dataset", "knee", "--method", "sp", "--joint", "--feature-weight", "2"]
    words += ["--alpha", "0.3", "--first-cascade", "second"]
    assert from_flags.distillation(parser.parse_args(words)) == {
        **{"method": "sp", "joint": True, "feature_weight": 2.0},
        **{"alpha": 0.3, "first_cascade": "second"},
    }
