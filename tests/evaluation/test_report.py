"""The table, the files and the comparisons of an evaluation."""

import csv
import json

import numpy as np
import pytest
import scipy.stats

from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.evaluation.statistics import gap_closed, mean_and_deviation, wilcoxon

PSNR = {"zero-filled": 24.0, "teacher": 32.0, "student": 31.0, "KD student": 31.25}
METRICS = ["psnr", "ssim", "nmse", "hfn"]


def made_evaluation(names=tuple(PSNR), volumes=7, source="acdc", volumes_each=1):
    """Seven volumes of three slices whose values scatter about `PSNR`."""
    scatter = np.random.default_rng(0).normal(0, 0.3, size=(volumes, len(PSNR)))
    records = [
        {
            "volume": f"volume{number}",
            "patient": f"patient{number // volumes_each}",
            "network": name,
            "slices": 3,
            "psnr": PSNR[name] + noise,
            "ssim": (PSNR[name] + noise) / 40,
            "nmse": 1 / PSNR[name],
            "hfn": 10 / PSNR[name],
        }
        for number, row in enumerate(scatter)
        for name, noise in zip(PSNR, row, strict=True)
        if name in names
    ]
    networks = {name: {"parameters": 49285, "milliseconds": 16.54} for name in names}
    networks["zero-filled"] = {"parameters": None, "milliseconds": None}
    return Evaluation("cardiac", source, "4x", 4.0541, "a test", records, networks)


@pytest.fixture
def evaluation():
    return made_evaluation()


def test_results_that_cannot_be_written_leave_the_earlier_ones_whole(evaluation, tmp_path):
    evaluation.write(tmp_path)
    earlier = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert earlier.keys() == {"evaluation.md", "evaluation.csv", "evaluation.json"}
    evaluation.acceleration = "8x"
    evaluation.records[-1]["a note"] = "\ud800"
    with pytest.raises(ValueError, match="surrogates not allowed"):  # halfway through the table
        evaluation.to_csv(tmp_path / "evaluation.csv")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == earlier


def test_conditions_follow_the_caption(evaluation):
    evaluation.conditions = "Mask: gaussian, seed 0. Every stage was trained for 1 epoch, seed 42."
    caption = evaluation.to_markdown().splitlines()[0]
    assert caption.endswith(f"time at batch size 1 on a test. {evaluation.conditions}")
    assert evaluation.summary()["conditions"] == evaluation.conditions


def test_table(evaluation):
    lines = evaluation.to_markdown().splitlines()
    assert lines[0] == (
        "**cardiac (acdc), 4x (true acceleration 4.05).** Mean ± one sample standard deviation "
        "over 7 volumes (21 slices); time at batch size 1 on a test."
    )
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    assert table[0] == ["PSNR [dB]", "SSIM", "NMSE", "HFN", "parameters", "ms/slice"]
    assert [row[0] for row in table[2:]] == list(PSNR)
    psnrs, ssims = evaluation.values("student", "psnr"), evaluation.values("student", "ssim")
    assert table[4][1:] == [
        f"{psnrs.mean():.2f} ± {psnrs.std(ddof=1):.2f}",
        f"{ssims.mean():.4f} ± {ssims.std(ddof=1):.4f}",
        "0.0323 ± 0.0000",
        "0.3226 ± 0.0000",
        "49,285",
        "16.5",
    ]
    assert table[2][-2:] == ["-", "-"]


def test_comparisons_in_words(evaluation):
    text = evaluation.to_markdown()
    means = [evaluation.values(n, "psnr").mean() for n in ("teacher", "student", "KD student")]
    share, gap = gap_closed(*means), means[0] - means[1]
    assert f"PSNR: distillation closes {share:.0f} % of the gap of {gap:.2f} dB between" in text
    ssims = evaluation.values("KD student", "ssim"), evaluation.values("student", "ssim")
    p_value, _ = wilcoxon(*ssims)
    test = "SSIM: KD student against student, two-sided Wilcoxon signed-rank test over patients"
    assert f"{test}, p = {p_value:.2g}." in text


def test_volumes_of_one_patient_count_as_one_in_the_test():
    """They are alike: 14 of them are no 14 independent samples."""
    paired = made_evaluation(volumes=14, volumes_each=2)
    distilled, student = (paired.values(n, "psnr") for n in ("KD student", "student"))
    np.testing.assert_allclose(paired.by_patient(student)[0], student[:2].mean())
    expected = wilcoxon(*(x.reshape(7, 2).mean(axis=1) for x in (distilled, student)))
    assert paired.summary()["comparisons"]["psnr"]["wilcoxon_p"] == expected[0]
    assert expected != wilcoxon(distilled, student)
    assert "over 14 volumes of 7 patients (42 slices)" in paired.to_markdown()
    few = made_evaluation(volumes=10, volumes_each=2).to_markdown()
    assert "n/a (needs 6 patients or more, here 5)" in few


def test_comparisons_need_their_networks():
    pair = made_evaluation(names=("zero-filled", "student", "KD student")).to_markdown()
    assert "gap" not in pair
    assert "Wilcoxon" in pair
    assert "student" not in made_evaluation(names=("zero-filled",)).to_markdown()
    assert "n/a (needs 6 patients or more, here 2)" in made_evaluation(volumes=2).to_markdown()


def test_no_gap_when_the_teacher_is_not_better(evaluation):
    for record in evaluation.records:
        record["psnr"] -= 5 * (record["network"] == "teacher")
    text = evaluation.to_markdown()
    assert "PSNR: gap closed n/a (the teacher is not better than the student)." in text
    assert "SSIM: distillation closes" in text


def test_csv_has_a_line_for_each_volume_and_network(evaluation, tmp_path):
    evaluation.to_csv(tmp_path / "evaluation.csv")
    with open(tmp_path / "evaluation.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    context = ["dataset", "source", "acceleration", "volume", "patient", "network", "slices"]
    assert list(lines[0]) == context + METRICS
    assert len(lines) == 28
    for line, record in zip(lines, evaluation.records, strict=True):
        assert (line["dataset"], line["source"], line["acceleration"]) == ("cardiac", "acdc", "4x")
        assert (line["volume"], line["network"]) == (record["volume"], record["network"])
        assert [float(line[metric]) for metric in METRICS] == [record[m] for m in METRICS]


def test_json_summary(evaluation, tmp_path):
    evaluation.to_json(tmp_path / "evaluation.json")
    summary = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert (summary["volumes"], summary["slices"]) == (7, 21)
    values = evaluation.values("KD student", "ssim")
    stored = summary["networks"]["KD student"]
    assert stored["ssim"] == pytest.approx({"mean": values.mean(), "std": values.std(ddof=1)})
    assert (stored["parameters"], stored["milliseconds"]) == (49285, 16.54)
    assert set(summary["comparisons"]["psnr"]) == {
        "gap",
        "gap_closed_percent",
        "wilcoxon_p",
        "wilcoxon_note",
    }


def test_a_perfect_reconstruction_becomes_null_in_json(evaluation, tmp_path):
    for record in evaluation.records:
        if record["network"] == "teacher":
            record["psnr"] = float("inf")
    assert "| teacher | inf |" in evaluation.to_markdown()
    evaluation.to_json(tmp_path / "evaluation.json")
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    summary = json.loads(text, parse_constant=pytest.fail)
    assert summary["networks"]["teacher"]["psnr"] == {"mean": None, "std": None}


def test_synthetic_data_is_named_in_every_result(tmp_path):
    made_up = made_evaluation(source="synthetic")
    assert made_up.title.startswith("SYNTHETIC data, not MRI: cardiac (synthetic), 4x")
    assert made_up.title in made_up.to_markdown()
    made_up.to_json(tmp_path / "evaluation.json")
    summary = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert (summary["title"], summary["source"]) == (made_up.title, "synthetic")
    made_up.to_csv(tmp_path / "evaluation.csv")
    assert (tmp_path / "evaluation.csv").read_text().count(",synthetic,") == 28


def test_real_data_is_not_called_synthetic(evaluation):
    assert "synthetic" not in evaluation.to_markdown().lower()


def test_mean_and_deviation():
    assert mean_and_deviation(np.array([1.0, 3.0])) == {"mean": 2, "std": pytest.approx(2**0.5)}
    assert mean_and_deviation(np.array([5.0])) == pytest.approx(
        {"mean": 5, "std": np.nan}, nan_ok=True
    )


def test_a_single_volume_has_no_spread():
    single = made_evaluation(volumes=1)
    value = single.values("teacher", "psnr")[0]
    text = single.to_markdown()
    assert f"| teacher | {value:.2f} | " in text
    assert "over 1 volume (3 slices)" in text


def test_gap_closed():
    published = gap_closed(teacher=32.51, student=31.92, distilled=32.07)
    assert published == pytest.approx(100 * 0.15 / 0.59)
    assert gap_closed(teacher=32, student=31, distilled=30) == pytest.approx(-100)
    assert gap_closed(teacher=31, student=31, distilled=32) is None


def test_wilcoxon():
    student = np.arange(8.0)
    better = student + np.array([1, 2, 3, 4, 5, 6, 7, -0.5])
    # The one negative difference has rank 1: two of the 2^8 sign patterns lie as far out, each way.
    assert wilcoxon(better, student) == (pytest.approx(4 / 2**8), "")
    some_equal = np.where(student < 2, student, better)
    expected = scipy.stats.wilcoxon(some_equal - student).pvalue
    assert wilcoxon(some_equal, student) == (pytest.approx(expected), "")
    assert wilcoxon(student, student) == (None, "all differences are zero")
    assert wilcoxon(better[:5], student[:5]) == (None, "needs 6 patients or more, here 5")
