"""Tables say for how long students were trained, where that is not the same."""

import pytest

from kdmri_tf import TrainingSettings
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.networks.saved import load_network
from kdmri_tf.training import comparison, stage_trainer
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.grid import Grid
from kdmri_tf.training.stage_epochs import unequal_epochs_in_words

SETTINGS = TrainingSettings(epochs=20, filters=2)
WORDS = "Students were not all trained for as long: "


@pytest.fixture
def experiment(data, tmp_path, monkeypatch):
    """One whose stages train nothing and move every weight, by what tells their trainings apart."""

    def train(model, network, data, folder, settings, teacher_outputs=None, **losses):
        move = settings.epochs + len(folder.name.removeprefix("teacher-").removeprefix("student-"))
        for name in getattr(network, "TRAINED", [None]):
            trained = network if name is None else getattr(network, name)
            # All but the first cascade of the student that branches are made of.
            for block in trained.blocks[1 if name == "student" else 0 :]:
                block.set_weights([weight + move for weight in block.get_weights()])

    monkeypatch.setattr(stage_trainer, "train", train)
    return Experiment(data, tmp_path, SETTINGS)


@pytest.mark.parametrize("teacher_name", ["D3C2", "D2C2"], ids=["larger", "as the student"])
def test_two_stages_of_distillation_beside_one(experiment, teacher_name):
    """A teacher of the student's architecture has the weights of the student alone."""
    teacher, student = experiment.teacher(teacher_name), experiment.student("D2C2")
    networks = {
        "teacher": teacher,
        "student": student,
        "KD student": experiment.distil(teacher, "D2C2"),
    }
    words = f"{WORDS}20 epochs (student), 2 x 20 in two stages (KD student)."
    caption = experiment.evaluate(networks).conditions
    assert caption.endswith(f"Every stage was trained for 20 epochs, seed 42. {words}")
    assert words in (experiment.run_dir / "evaluation.md").read_text()
    # Of a later evaluation of the same folder, too.
    assert unequal_epochs_in_words(experiment.run_dir, experiment.finished()) == words
    assert unequal_epochs_in_words(experiment.run_dir, {"student": student}) == ""


@pytest.mark.parametrize("options", [{"method": "none"}, {"joint": True}], ids=str)
def test_one_stage_beside_one(experiment, options):
    teacher, student = experiment.teacher("D3C2"), experiment.student("D2C2")
    distilled = experiment.distil(teacher, "D2C2", **options)
    networks = {"teacher": teacher, "student": student, "KD student": distilled}
    assert unequal_epochs_in_words(experiment.run_dir, networks) == ""


@pytest.mark.parametrize("first_cascade", ["random", "second"])
def test_students_of_friendly_teachers_have_three(experiment, first_cascade):
    grid = Grid(experiment, "D3C2", "D2C2", first_cascade)
    rows = comparison.methods(grid, ["at"], equal_epochs=True)
    evaluation = experiment.evaluate({row.name: row.network for row in rows})
    words = (
        f"{WORDS}20 epochs (student), 2 x 20 in two stages (AT), 3 x 20 in three stages "
        "(AT, pretrained; AT, SFT)."
    )
    assert evaluation.unequal_epochs == words
    caption, *_ = Comparison(rows, {42: evaluation}).to_markdown().splitlines()
    assert caption.endswith(words)


def test_a_student_alone_for_as_long_as_both_stages(experiment):
    rows = comparison.ablation(Grid(experiment, "D3C2", "D2C2"))
    networks = {row.name: row.network for row in rows}
    assert unequal_epochs_in_words(experiment.run_dir, networks) == (
        f"{WORDS}20 epochs (student; imitation only), 40 epochs (student, twice the epochs), "
        "2 x 20 in two stages (attention only; attention and imitation)."
    )


def test_nothing_is_said_of_what_is_not_known(experiment):
    """Of networks from elsewhere, and where a stage cannot be read."""
    teacher, student = experiment.teacher("D3C2"), experiment.student("D2C2")
    networks = {"KD student": experiment.distil(teacher, "D2C2")}
    foreign = load_network("cardiac-4x")
    words = unequal_epochs_in_words(experiment.run_dir, {**networks, "student": foreign})
    assert words == ""
    networks["student"] = student
    assert unequal_epochs_in_words(experiment.run_dir, networks).startswith(WORDS)
    (experiment.run_dir / "at-D2C2" / "model.keras").write_bytes(b"half")
    assert unequal_epochs_in_words(experiment.run_dir, networks) == ""
