"""The stages of an experiment: what they train with, and what they refuse before they train."""

import dataclasses
import shutil
from types import SimpleNamespace

import pytest

from kdmri_tf import DCCNN, VDSR, FlowOfSolution, InputError, SimilarityPreserving, TrainingSettings
from kdmri_tf.networks.saved import load_network
from kdmri_tf.training import validation
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.stage_config import stage_config
from kdmri_tf.training.trained_networks import LONGER

SETTINGS = TrainingSettings(epochs=1, filters=2)


def test_alpha_weighs_the_target_and_the_rest_the_teacher(data, tmp_path, trained):
    Experiment(data, tmp_path, SETTINGS).distil(DCCNN(2, 1, filters=2), "D2C1", alpha=0.3)
    assert trained["kd-at-D2C1"] == {"student_loss_weight": 0.3, "imitation_weight": 0.7}


def test_features_come_first_and_alone(data, tmp_path, trained):
    Experiment(data, tmp_path, SETTINGS).distil(DCCNN(2, 2, filters=2), "D2C2", "fsp")
    assert list(trained) == ["fsp-D2C2", "kd-fsp-D2C2"]
    losses = trained["fsp-D2C2"]
    assert isinstance(losses.pop("feature_loss"), FlowOfSolution)
    assert losses == {"feature_weight": 1, "imitation_weight": 0, "student_loss_weight": 0}


def test_joint_training_is_one_stage(data, tmp_path, trained):
    Experiment(data, tmp_path, SETTINGS).distil(
        *(DCCNN(2, 1, filters=2), "D2C1", "sp"), joint=True, feature_weight=3.0, alpha=0.25
    )
    ((stage, losses),) = trained.items()
    assert stage == "joint-sp-D2C1"
    assert isinstance(losses.pop("feature_loss"), SimilarityPreserving)
    assert losses == {
        "feature_weight": 3.0,
        "imitation_weight": 0.75,
        "student_loss_weight": 0.25,
    }


def test_a_weight_of_features_needs_joint_training(data, tmp_path, trained):
    with pytest.raises(InputError, match="feature_weight 3 weighs features against images, which"):
        Experiment(data, tmp_path, SETTINGS).distil(DCCNN(2, 1), "D2C1", feature_weight=3.0)


def test_imitation_alone_needs_no_equal_cascades(data, tmp_path, trained):
    made = Experiment(data, tmp_path, SETTINGS)
    made.check("D3C2", "D2C1", "none")
    made.distil(DCCNN(3, 2, filters=4), "D2C1", "none")
    assert trained == {"kd-none-D2C1": {"imitation_weight": 0.5, "student_loss_weight": 0.5}}


def test_a_stage_is_made_with_the_settings_that_its_network_has(data):
    config = stage_config("student-VDSR2", VDSR(2, filters=3), data, SETTINGS, {})
    assert not {"residual", "consistency_form", "noise_weight"} & config.keys()
    assert (config["filters"], config["seed"], config["nonnegative"]) == (3, 42, True)
    config = stage_config("student-D2C1", DCCNN(2, 1, filters=3), data, SETTINGS, {})
    assert (config["residual"], config["consistency_form"]) == (True, "auto")
    assert "nonnegative" not in config


@pytest.mark.parametrize(
    ("networks", "method", "message"),
    [
        (
            ("D3C1", "D2C1"),
            "fsp",
            "FlowOfSolution needs 2 cascades or more, but the teacher is",
        ),
        (("D5C5", "VDSR7"), "none", "VDSR7 takes .*; choose a network for this task"),
        (("D5C5", "D3"), "at", "'D3' is not a network name; write DdCc .*, or VDSR and the number"),
        (("D5C5", "D3C5"), "magic", "Unknown distillation method 'magic'"),
    ],
)
def test_impossible_distillation(data, tmp_path, networks, method, message):
    with pytest.raises(InputError, match=message):
        Experiment(data, tmp_path, SETTINGS).check(*networks, method)


def test_the_file_of_the_student(data, tmp_path, trained):
    made = Experiment(data, tmp_path, SETTINGS)
    path = made.student_path("d2c1")
    assert not path.exists()
    made.student("D2C1")
    assert load_network(path).architecture == "D2C1"
    assert made.student_path(str(path)) == path


def test_other_numbers_of_filters(data, tmp_path):
    wide = tmp_path / "wide.keras"
    DCCNN(3, 1, filters=4).save(wide)
    made = Experiment(data, tmp_path / "run", SETTINGS)
    made.check(wide, "D2C1", "at")
    with pytest.raises(InputError, match="has 4 filters and the student 2; choose at or sp"):
        made.check(wide, "D2C1", "fitnets")


def test_another_seed_has_a_folder_of_its_own(data, tmp_path):
    made = Experiment(data, tmp_path, SETTINGS)
    assert made.with_seed(SETTINGS.seed) is made
    other = made.with_seed(7)
    assert (other.run_dir, other.settings.seed) == (tmp_path / "seed7", 7)


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_alpha_out_of_range(data, tmp_path, alpha):
    with pytest.raises(InputError, match=f"alpha must lie between 0 and 1; got {alpha}"):
        Experiment(data, tmp_path, SETTINGS).distil(DCCNN(2, 1, filters=2), "D2C1", alpha=alpha)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("residual", [True, False])
def test_settings_reach_the_networks(data, tmp_path, trained, residual):
    settings = dataclasses.replace(SETTINGS, residual=residual, consistency_form="rfft")
    network = Experiment(data, tmp_path, settings).student("D3C1")
    assert (network.architecture, network.filters) == ("D3C1", 2)
    assert (network.residual, network.consistency_form) == (residual, "rfft")


def test_a_finished_stage_is_reused_and_refused_under_other_settings(
    data, tmp_path, trained, capsys
):
    Experiment(data, tmp_path, SETTINGS).teacher("D2C1")
    trained.clear()
    Experiment(data, tmp_path, SETTINGS).teacher("D2C1")
    assert trained == {}
    assert "== teacher-D2C1: 39 parameters, finished earlier ==" in capsys.readouterr().out
    other = dataclasses.replace(SETTINGS, seed=7)
    with pytest.raises(InputError, match=r"made with other settings: seed \(42 there, 7 now\)"):
        Experiment(data, tmp_path, other).teacher("D2C1")


def test_networks_of_another_mask_are_not_evaluated(data, load_tiny, tmp_path, trained):
    Experiment(data, tmp_path, SETTINGS).teacher("D2C1")
    other = Experiment(load_tiny(mask="uniform"), tmp_path, SETTINGS)
    with pytest.raises(
        InputError, match=r"mask \('gaussian, seed 0' there, 'uniform, seed 0' now\)"
    ):
        other.finished()


def test_a_file_of_another_architecture_is_another_stage(data, tmp_path, trained):
    for name, residual in (("a", True), ("b", False)):
        DCCNN(2, 1, filters=2, residual=residual).save(tmp_path / f"{name}.keras")
    experiment = Experiment(data, tmp_path / "run", SETTINGS)
    teacher = DCCNN(2, 1, filters=2)
    experiment.distil(teacher, tmp_path / "a.keras", "none")
    with pytest.raises(InputError, match=r"residual \(True there, False now\)"):
        experiment.distil(teacher, tmp_path / "b.keras", "none")


def test_warns_of_files_that_were_trained_otherwise(data, load_tiny, tmp_path, trained):
    """Else a table compares a student of one mask with one of another, without a word."""
    earlier = Experiment(data, tmp_path / "earlier", SETTINGS)
    earlier.student("D2C1")
    path = tmp_path / "earlier" / "student-D2C1" / "model.keras"
    other = Experiment(load_tiny(mask="uniform"), tmp_path / "other", SETTINGS)
    for role in ("teacher", "student"):
        with pytest.warns(UserWarning, match=f"The {role} .* trained differently: mask .*gaussi"):
            getattr(other, role)(path)
    longer = dataclasses.replace(SETTINGS, epochs=2)
    with pytest.warns(UserWarning, match=r"trained differently: epochs \(1 there, 2 now\)\."):
        Experiment(data, tmp_path / "longer", longer).student(path)
    Experiment(data, tmp_path / "longer", longer).teacher(path)  # may have its own length
    Experiment(data, tmp_path / "same", SETTINGS).student(path)
    with pytest.warns(UserWarning, match=r"The mine .* was trained differently: mask .*gaussi"):
        other.given("mine", path)
    Experiment(data, tmp_path / "longer", longer).given("mine", path)


@pytest.mark.parametrize("content", ['{"model_type": "unet"}', "[1, 2]", '{"config": "v1"}', "{"])
def test_a_file_in_the_folder_of_something_else(data, tmp_path, content):
    path = tmp_path / "model.keras"
    DCCNN(2, 1, filters=2).save(path)
    (tmp_path / "config.json").write_text(content)
    Experiment(data, tmp_path / "run", SETTINGS).teacher(path)


def test_joint_training_needs_features(data, tmp_path, trained):
    with pytest.raises(InputError, match="but method 'none' compares no features: leave one"):
        Experiment(data, tmp_path, SETTINGS).distil(
            DCCNN(2, 1, filters=2), "D2C1", "none", joint=True
        )


def test_a_first_cascade_needs_a_start(data, tmp_path, trained):
    with pytest.raises(InputError, match="first_cascade='second' only matters for a student"):
        Experiment(data, tmp_path, SETTINGS).distil(
            DCCNN(2, 1, filters=2), "D2C1", first_cascade="second"
        )


def test_networks_for_another_degradation_are_refused_before_training(data, tmp_path, trained):
    experiment = Experiment(data, tmp_path, SETTINGS)
    with pytest.raises(InputError, match=r"VDSR3 takes .*low_resolution"):
        experiment.teacher("VDSR3")
    with pytest.raises(InputError, match=r"VDSR3 takes .*low_resolution"):
        experiment.distil(DCCNN(2, 1, filters=2), "VDSR3")
    assert trained == {}
    assert list(tmp_path.iterdir()) == []


def test_distillation_is_refused_before_training(data, tmp_path, trained):
    experiment = Experiment(data, tmp_path, SETTINGS)
    with pytest.raises(InputError, match="FlowOfSolution needs 2 cascades or more"):
        experiment.distil(DCCNN(2, 1, filters=2), "D2C2", "fsp")
    assert trained == {}


def test_results_that_cannot_be_written_are_refused_before_the_evaluation(data, tmp_path):
    checked = Experiment(data, tmp_path, SETTINGS)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "results", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=r"cannot be written to .*; choose another \(--run-d"):
            checked.evaluate({"teacher": None}, folder)


def test_a_figure_that_cannot_be_drawn_costs_no_result(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
    with pytest.warns(
        UserWarning, match=r"reconstructions\.png could not be drawn \(division by z"
    ):
        Experiment(data, tmp_path, SETTINGS).evaluate({})
    names = ["evaluation.csv", "evaluation.json", "evaluation.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    output = capsys.readouterr().out
    assert "| zero-filled |" in output
    assert "reconstructions.png" not in output


def test_a_table_says_how_its_networks_were_trained(data, tmp_path, trained):
    """As far as that is one way, and known."""
    experiment = Experiment(data, tmp_path, SETTINGS)
    teacher = experiment.teacher("D2C1")
    first = experiment.evaluate({"teacher": teacher})
    words = "Mask: gaussian, seed 0. Every stage was trained for 1 epoch, seed 42."
    assert first.conditions == words
    assert words in (tmp_path / "evaluation.md").read_text()
    longer = Experiment(data, tmp_path, dataclasses.replace(SETTINGS, epochs=2))
    longer.student("D2C1")
    assert longer.evaluate({}).conditions == "Mask: gaussian, seed 0."
    shutil.rmtree(tmp_path / "student-D2C1")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.json").write_text("not of a stage")
    assert experiment.evaluate({}).conditions == words
    experiment.with_settings(longer.settings, LONGER).student("D2C1")
    assert experiment.evaluate({}).conditions == "Mask: gaussian, seed 0."
    given = Experiment(data, tmp_path / "other", SETTINGS)
    network = given.given("teacher", tmp_path / "teacher-D2C1" / "model.keras")
    assert given.evaluate({"teacher": network}).conditions == "Mask: gaussian, seed 0."


@pytest.mark.parametrize(("source", "flip"), [("mrbrains18", True), ("acdc", False)])
def test_figures_have_the_head_on_top(tmp_path, monkeypatch, source, flip):
    results = SimpleNamespace(write=lambda folder: "table", figure_slices=[], title="a test")
    monkeypatch.setattr(validation, "evaluate", lambda *_, **__: results)
    drawn = []

    def draw(slices, path, title, **options):
        path.touch()
        drawn.append(options)

    monkeypatch.setattr(validation, "reconstruction_figure", draw)
    facts = {"dataset": "brain", "acceleration_label": "4x"}
    facts |= {"degradation": SimpleNamespace(input_specification={}), "complex_images": False}
    facts |= {"coils_label": "", "num_batches": lambda *_: 1}
    brains = SimpleNamespace(
        source=source, volumes=lambda split: [], patients=lambda split: {}, **facts
    )
    assert Experiment(brains, tmp_path, SETTINGS).evaluate({}) is results
    assert drawn == [{"flip": flip}]


def test_nothing_to_export(data, tmp_path):
    with pytest.raises(InputError, match=r"Nothing was trained in .*, use kdmri export or"):
        Experiment(data, tmp_path, SETTINGS).export()


def test_networks_that_cannot_be_distilled(data, tmp_path):
    checked = Experiment(data, tmp_path, SETTINGS)
    with pytest.raises(InputError, match="at least 2 convolutions, in at least 1 cascade; got 1"):
        checked.check("D5C5", "D1C5")
    assert list(tmp_path.iterdir()) == []


def test_start_of_another_architecture(data, tmp_path):
    start = tmp_path / "teacher.keras"
    DCCNN(3, 2, filters=4).save(start)
    checked = Experiment(data, tmp_path / "run", SETTINGS)
    with pytest.raises(InputError, match=r"holds a D3C2 with 4 filters.* the student is a D2C2"):
        checked.check("D3C2", "D2C2", start=start)
    DCCNN(2, 2, filters=2, residual=False).save(start)
    with pytest.raises(InputError, match="residual False, but the student has residual True"):
        checked.check("D3C2", "D2C2", start=start)
    assert list((tmp_path / "run").iterdir()) == []
