"""Grids train what they promise and share it; the table's numbers follow from those of volumes."""

import csv
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from fake_experiment import FakeExperiment

from kdmri_tf import InputError, TrainingSettings, Undersampling
from kdmri_tf.evaluation.comparison_plot import choose_styles
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.training import comparison
from kdmri_tf.training.grid import Grid, Row


def described(rows):
    return [(row.name, row.network, row.teacher, row.baseline, row.counterpart) for row in rows]


def test_methods_share_teachers_and_baseline():
    experiment = FakeExperiment()
    rows = comparison.methods(Grid(experiment, alpha=0.3), ["at", "sp"])
    sft = "start=file of D3C5 first_cascade=random variant=-sft"
    friendly = "sft D5C5 D3C5"
    assert described(rows) == [
        ("teacher", "teacher D5C5", None, None, None),
        ("student", "student D3C5", "teacher", None, None),
        ("AT", "at: teacher D5C5 -> D3C5 alpha=0.3", "teacher", "student", None),
        ("SP", "sp: teacher D5C5 -> D3C5 alpha=0.3", "teacher", "student", None),
        ("SFT teacher", friendly, None, None, None),
        ("AT, SFT", f"at: {friendly} -> D3C5 alpha=0.3 {sft}", "SFT teacher", "student", "AT"),
        ("SP, SFT", f"sp: {friendly} -> D3C5 alpha=0.3 {sft}", "SFT teacher", "student", "SP"),
    ]
    assert len(experiment.stages) == len(set(experiment.stages)) == 7


def test_a_first_cascade_of_its_own_has_stages_of_its_own():
    rows = comparison.methods(Grid(FakeExperiment(), first_cascade="second"), ["at"])
    assert rows[-1].network.endswith("first_cascade=second variant=-sft-second")


def test_a_control_of_equal_epochs_starts_from_the_student_alone():
    """Three stages, as with SFT: the student's own, features, images."""
    experiment = FakeExperiment()
    rows = comparison.methods(Grid(experiment, alpha=0.3), ["at", "sp"], equal_epochs=True)
    assert [(row.name, row.equal_counterpart) for row in rows] == [
        *(("teacher", None), ("student", None), ("AT", None), ("SP", None)),
        *(("AT, pretrained", None), ("SP, pretrained", None), ("SFT teacher", None)),
        *(("AT, SFT", "AT, pretrained"), ("SP, SFT", "SP, pretrained")),
    ]
    control = rows[5]
    start = "start=file of student D3C5 variant=-pretrained"
    assert control.network == f"sp: teacher D5C5 -> D3C5 alpha=0.3 {start}"
    assert (control.teacher, control.baseline) == ("teacher", "student")
    assert (control.counterpart, rows[8].counterpart) == (None, "SP")
    assert len(experiment.stages) == len(set(experiment.stages)) == 9


def test_settings_of_joint_training_reach_every_friendly_teacher():
    grid = Grid(FakeExperiment(), friendly_settings={"imitation_weight": 0.1})
    assert comparison.methods(grid, ["at"])[3].network == "sft D5C5 D3C5 imitation_weight=0.1"
    rows = comparison.compression(grid, ["D4C5"])
    assert rows[3].network == "sft D5C5 D4C5 imitation_weight=0.1"


def test_ablation_leaves_out_one_loss_at_a_time(monkeypatch):
    monkeypatch.setattr(Grid, "long_student", lambda grid: "long")
    rows = comparison.ablation(Grid(FakeExperiment(), alpha=0.5))
    assert {row.name: row.network for row in rows} == {
        "teacher": "teacher D5C5",
        "student": "student D3C5",
        "student, twice the epochs": "long",
        "imitation only": "none: teacher D5C5 -> D3C5 alpha=0.5",
        "attention only": "at: teacher D5C5 -> D3C5 alpha=1.0 last_variant=-target-only",
        "attention and imitation": "at: teacher D5C5 -> D3C5 alpha=0.5",
    }
    assert {row.baseline for row in rows[2:]} == {"student"}
    # Imitation alone has one stage: its control is the student.
    long = "student, twice the epochs"
    assert [row.control for row in rows] == [None, None, None, None, long, long]


def test_ablation_needs_imitation():
    with pytest.raises(InputError, match="give an alpha below 1"):
        comparison.ablation(Grid(FakeExperiment(), alpha=1.0))


def test_ablation_trains_its_student_itself():
    with pytest.raises(InputError, match=r"for longer, as a control: give its name.*s\.keras\."):
        comparison.ablation(Grid(FakeExperiment(), student_name="s.keras"))


def test_compression_pairs_every_student_with_its_own_teacher():
    rows = {row.name: row for row in comparison.compression(Grid(FakeExperiment()), ["D4C5"])}
    assert list(rows) == ["teacher", "D4C5", "D4C5 KD", "SFT teacher of D4C5", "D4C5 SFT-KD"]
    assert rows["SFT teacher of D4C5"].network == "sft D5C5 D4C5"
    last = rows["D4C5 SFT-KD"]
    assert (last.teacher, last.baseline, last.counterpart) == (
        "SFT teacher of D4C5",
        "D4C5",
        "D4C5 KD",
    )


VALUES = {
    "teacher": [30, 31, 32, 33, 34, 35],
    "student": [28, 29, 30, 31, 32, 33],
    "AT": [29, 30, 31, 32, 33, 34.5],
    "AT, SFT": [29.5, 30.5, 31.5, 32.5, 33.5, 35],
}
ROWS = [
    Row("teacher", None),
    Row("student", None, "teacher"),
    Row("AT", None, "teacher", "student"),
    Row("AT, SFT", None, "teacher", "student", counterpart="AT"),
]


def evaluation(shift=0.0):
    records = [
        {
            **{"volume": str(i), "patient": str(i), "network": name, "slices": 1},
            **{"psnr": psnr + shift, "ssim": 0.9},
        }
        for name, values in VALUES.items()
        for i, psnr in enumerate(values)
    ]
    facts = {name: {"parameters": 1000, "milliseconds": 2.0 + shift} for name in VALUES}
    return Evaluation("cardiac", "synthetic", "4x", 4.0, "a test", records, facts)


@pytest.fixture
def compared():
    return Comparison(ROWS, {42: evaluation()})


def test_records(compared):
    teacher, student, distilled, friendly = compared.records()
    assert teacher["psnr"] == 32.5
    assert (teacher["psnr_to_teacher"], teacher["gap_closed_percent"]) == (None, None)
    assert student["psnr_to_teacher"] == -2
    assert student["p_against_alone"] is None
    assert distilled["psnr_to_teacher"] == pytest.approx(-11 / 12)
    assert distilled["gap_closed_percent"] == pytest.approx(100 * (13 / 12) / 2)
    # Six differences of one sign: p = 2 / 2^6.
    assert distilled["p_against_alone"] == pytest.approx(1 / 32)
    assert distilled["p_against_without_sft"] is None
    assert friendly["p_against_without_sft"] == pytest.approx(1 / 32)


def test_several_methods_have_a_mean_with_and_without_sft(compared):
    assert "Mean PSNR" not in compared.to_markdown()
    # AT with SFT once more, against the student alone: means 32.08 against (31.58 + 30.5) / 2.
    several = [*ROWS, Row("AT, SFT", None, "teacher", "student", counterpart="student")]
    table = Comparison(several, {42: evaluation()}).to_markdown()
    assert "2 students with SFT: 32.08 dB; of the same without: 31.04 dB." in table


def test_means_and_p_values_at_equal_epochs():
    rows = [
        *ROWS[:3],
        *(
            Row("AT, SFT", None, "teacher", "student", "teacher", "student", equal)
            for equal in ("AT", "student")
        ),
    ]
    compared = Comparison(rows, {42: evaluation()})
    first, second = compared.records()[-2:]
    assert first["p_against_equal_epochs"] == second["p_against_equal_epochs"]
    assert first["p_against_equal_epochs"] == pytest.approx(1 / 32)
    assert compared.records()[2]["p_against_equal_epochs"] is None
    table = compared.to_markdown()
    assert "with SFT: 32.08 dB; of the same without at equal epochs: 31.04 dB." in table
    assert "| p, against without SFT at equal epochs |" in table
    assert "or so distilled after training alone, which makes as many epochs in all" in table
    assert "equal epochs" not in Comparison(ROWS, {42: evaluation()}).to_markdown()


def test_a_table_has_the_columns_that_have_values(compared):
    text = compared.to_markdown()
    assert "p, against as long" not in text
    assert "against the same student trained alone, or distilled by the same method" in text
    rows = [*ROWS[:3], Row("AT", None, "teacher", "student", control="student")]
    compared = Comparison(rows, {42: evaluation()})
    assert compared.records()[-1]["p_against_as_long"] == pytest.approx(1 / 32)
    text = compared.to_markdown()
    assert "| p, against alone | p, against as long | parameters |" in text
    assert text.splitlines()[-1].endswith("| 54 % | 0.031 | 0.031 | 1,000 | 2.0 |")
    assert "trained alone, or alone for as many epochs as both stages." in text
    assert "SFT" not in text


def test_too_few_volumes_for_p_values():
    few = evaluation()
    few.records = [record for record in few.records if int(record["volume"]) < 5]
    text = Comparison(ROWS, {42: few}).to_markdown()
    assert "its teacher, PSNR.\n" in text
    assert "Wilcoxon" not in text
    assert "p, against" not in text


def test_p_values_are_over_patients():
    """Six volumes of three patients are three samples."""
    paired = evaluation()
    for record in paired.records:
        record["patient"] = str(int(record["volume"]) // 2)
    assert "p, against" not in Comparison(ROWS, {42: paired}).to_markdown()


def test_a_single_volume_has_no_spread(tmp_path):
    single = evaluation()
    single.records = [record for record in single.records if record["volume"] == "0"]
    table = Comparison(ROWS, {42: single}).write(tmp_path, "comparison")
    assert "over 1 volume;" in table
    assert "| teacher | 30.00 | 0.9000 |" in table
    assert "nan" not in (tmp_path / "comparison.csv").read_text()


def test_students_of_one_architecture_are_refused(tmp_path):
    """They would share the names of their stages, the second after hours of the first."""
    data = SimpleNamespace(degradation=Undersampling(np.ones((8, 8))))
    experiment = SimpleNamespace(settings=TrainingSettings(), data=data)
    comparison.check_architectures(experiment, ["D2C2", "D3C2", "D3C2-unshuffle2"])
    with pytest.raises(InputError, match="D3C2 and d3c2 are both D3C2, and their stages"):
        comparison.check_architectures(experiment, ["D2C2", "D3C2", "d3c2"])
    with pytest.raises(InputError, match="VDSR3 takes"):
        comparison.check_architectures(experiment, ["D2C2", "VDSR3"])


def test_seeds_are_averaged_volume_by_volume():
    several = Comparison(ROWS, {42: evaluation(), 43: evaluation(shift=1.0)})
    np.testing.assert_allclose(several.values("teacher", "psnr"), np.arange(30, 36) + 0.5)
    record = several.records()[0]
    assert record["psnr"] == 33
    assert record["psnr_std_over_seeds"] == pytest.approx(np.sqrt(0.5))
    assert record["milliseconds"] == 2.5
    text = several.to_markdown()
    assert "seeds 42, 43" in text
    assert "| spread over seeds |" in text
    assert "| teacher | 33.00 ± 1.87 |" in text
    assert text.splitlines()[-1].endswith("| 0.71 |")


def test_files(compared, tmp_path):
    table = compared.write(tmp_path / "new", "comparison")
    assert table == (tmp_path / "new" / "comparison.md").read_text()
    assert "SYNTHETIC" in table
    assert "spread over seeds" not in table
    assert (
        "| AT | 31.58 ± 2.01 | 0.9000 ± 0.0000 | -0.92 | 54 % | 0.031 | - | 1,000 | 2.0 |" in table
    )
    with open(tmp_path / "new" / "comparison.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == list(VALUES)
    assert rows[0]["psnr_to_teacher"] == ""
    assert "SYNTHETIC" in rows[0]["title"]
    assert (tmp_path / "new" / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_a_method_has_one_colour_with_and_without_sft():
    styles = choose_styles({row.name: row.counterpart for row in ROWS})
    assert styles["AT, SFT"] == (styles["AT"][0], "s")
    assert len({colour for colour, _ in styles.values()}) == 3
    many = choose_styles({str(number): None for number in range(12)})
    assert len(set(many.values())) == 12


def seeded_experiment(seed, folder, evaluated, is_chief=True):
    seeded = partial(seeded_experiment, evaluated=evaluated, is_chief=is_chief)
    return SimpleNamespace(
        **{"run_dir": folder, "is_chief": is_chief},
        with_seed=lambda other: seeded(other, folder / f"seed{other}"),
        evaluate=lambda networks, path: evaluated.append((seed, path)) or evaluation(),
    )


def test_every_seed_is_trained_and_evaluated_in_its_folder(tmp_path, capsys):
    evaluated = []
    experiment = seeded_experiment(42, tmp_path, evaluated)
    compared = comparison.compare(lambda e: ROWS, experiment, [1, 2], "grid")
    assert evaluated == [(seed, tmp_path / f"seed{seed}" / "grid") for seed in (1, 2)]
    assert list(compared.evaluations) == [1, 2]
    assert (tmp_path / "grid" / "comparison.md").exists()
    assert "seeds 1, 2" in capsys.readouterr().out


def test_workers_other_than_the_chief_train_alone(tmp_path):
    trained, evaluated = [], []
    experiment = seeded_experiment(42, tmp_path, evaluated, is_chief=False)

    def rows(seeded):
        trained.append(seeded.run_dir.name)
        return ROWS

    assert comparison.compare(rows, experiment, [1, 2], "grid") is None
    assert trained == ["seed1", "seed2"]
    assert evaluated == list(tmp_path.iterdir()) == []
