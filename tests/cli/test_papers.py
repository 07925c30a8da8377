"""The papers' tables: which networks a grid has, what stands beside them, and the script."""

import csv
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from fake_experiment import FakeExperiment

from kdmri_tf import InputError, gaussian_mask
from kdmri_tf.evaluation import published
from kdmri_tf.training import papers, papers_report
from kdmri_tf.training.comparison import Grid

NAMES = ["teacher", "student", "student, twice the epochs", "KD student"]
WITH_SFT = ["KD student, pretrained", "SFT teacher", "KD student, SFT"]
TRAINING = ("--epochs", 1, "--filters", 2, "--batch-size", 2, "--whole-batches")
NETWORKS = ("--teacher", "D3C2", "--student", "D2C2")


@pytest.fixture(autouse=True)
def no_longer_training(monkeypatch, request):
    if "script" not in request.node.name:
        monkeypatch.setattr(Grid, "long_student", lambda grid: "long")


def test_rows_of_a_grid():
    grid = Grid(FakeExperiment(), alpha=0.5)
    rows = papers.rows(grid)
    assert [row.name for row in rows] == NAMES
    assert (rows[2].network, rows[3].network) == ("long", "at: teacher D5C5 -> D3C5 alpha=0.5")
    assert (rows[3].teacher, rows[3].baseline, rows[3].control) == (*NAMES[:2], NAMES[2])
    rows = papers.rows(grid, sft=True)
    assert [row.name for row in rows] == NAMES + WITH_SFT
    assert rows[4].network.endswith("variant=-pretrained")
    assert rows[6].network.startswith("at: sft D5C5 D3C5 -> D3C5")
    assert (rows[6].counterpart, rows[6].equal_counterpart) == ("KD student", WITH_SFT[0])


def test_published_numbers_have_names_of_rows():
    known = {"zero-filled", *NAMES, *WITH_SFT}
    for table in (published.KD_MRI, published.SFT_KD_RECON):
        assert table.keys() <= set(published.GRIDS.values())
        assert {name for networks in table.values() for name in networks} < known
    assert published.GRIDS["cardiac-4x"] == ("cardiac", 4)
    assert published.KD_MRI["cardiac", 4]["KD student"] == (32.07, 0.9084)
    assert published.SFT_KD_RECON["brain", 4]["KD student, SFT"] == 40.07


@pytest.mark.parametrize(
    ("psnr", "verdict"),
    [((3, 1, 2), "holds"), ((3, 2, 1), "does not hold"), ((2, 1, 3), "does not hold")],
)
def test_order(psnr, verdict):
    names = ("teacher", "student, twice the epochs", "KD student")
    sentence = papers_report.order_sentence(dict(zip(names, psnr, strict=True)))
    assert f"The order teacher > KD student > student, twice the epochs {verdict}: " in sentence
    assert f"teacher {psnr[0]}.00 dB, KD student {psnr[2]}.00 dB, student," in sentence


def finished_grid(run_dir, name, psnr):
    """The files of a grid that were written when it was finished."""
    networks = {
        network: {
            "psnr": {"mean": psnr - place, "std": None},
            "ssim": {"mean": 0.9, "std": 0.01},
            "parameters": None,
        }
        for place, network in enumerate(["teacher", "KD student", "student, twice the epochs"])
    }
    summary = {"title": f"a {name}", "networks": networks}
    config = {"epochs": 7, "batch_size": 4, "learning_rate": 1e-3, "schedule": "step"}
    config |= {"precision": "float32", "seed": 42, "mask": "m.npy"}
    for path, content in (
        ("papers/evaluation.json", summary),
        ("teacher-D5C5/config.json", {"config": config}),
    ):
        (run_dir / name / path).parent.mkdir(parents=True)
        (run_dir / name / path).write_text(json.dumps(content))


def test_tables_of_all_grids_that_are_there(tmp_path):
    """Whichever process has finished them, in the order of the papers."""
    for name, psnr in (("brain-4x", 40.0), ("cardiac-5x", 30.0)):
        finished_grid(tmp_path, name, psnr)
    table = papers_report.write_tables(tmp_path)
    assert table == (tmp_path / "papers.md").read_text()
    assert [line for line in table.splitlines() if line.startswith("#")] == [
        "## cardiac-5x",
        "## brain-4x",
    ]
    assert "| teacher | 30.00 | 0.9000 ± 0.0100 | 31.49 | 0.9002 | 31.25 |" in table
    assert "| student, twice the epochs | 38.00 | 0.9000 ± 0.0100 | - | - | - |" in table
    assert "Their values come from their own split" in table
    assert "**a brain-4x.** 7 epochs per stage, learning rate 0.001 (step), batches of 4," in table
    with open(tmp_path / "papers.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["grid"], row["network"]) for row in rows][:2] == [
        ("cardiac-5x", "teacher"),
        ("cardiac-5x", "KD student"),
    ]
    assert (rows[3]["psnr"], rows[3]["kd_mri_psnr"]) == ("40.0", "40.03")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[:-9], "JSONDecodeError: "),
        (lambda text: "[]", "TypeError: list indices must be "),
        (lambda text: text.replace('"psnr"', '"snr"'), "KeyError: 'psnr'"),
        (lambda text: text.replace('"KD student"', '"other"'), "ValueError: it lacks KD student"),
    ],
)
def test_damaged_results_are_named_before_training(tmp_path, damage, reason):
    finished_grid(tmp_path, "brain-4x", 40.0)
    path = tmp_path / "brain-4x" / "papers" / "evaluation.json"
    path.write_text(damage(path.read_text()))
    words = (
        rf"brain-4x/papers/evaluation\.json is damaged \({re.escape(reason)}.*: delete .*/papers,"
    )
    with pytest.raises(InputError, match=words):
        papers.train_grids({"cardiac-4x": None}, tmp_path)


def test_a_grid_whose_stages_were_deleted_stays_in_the_table(tmp_path):
    finished_grid(tmp_path, "brain-4x", 40.0)
    shutil.rmtree(tmp_path / "brain-4x" / "teacher-D5C5")
    assert "Trained in stages that are no longer in" in papers_report.write_tables(tmp_path)


def test_teachers_of_several_settings_are_not_told_apart(tmp_path):
    finished_grid(tmp_path, "brain-4x", 40.0)
    assert "7 epochs per stage" in papers_report.write_tables(tmp_path)
    stage = tmp_path / "brain-4x" / "teacher-D5C5" / "config.json"
    other = json.loads(stage.read_text())
    other["config"]["epochs"] = 50
    (tmp_path / "brain-4x" / "teacher-D4C5").mkdir()
    (tmp_path / "brain-4x" / "teacher-D4C5" / "config.json").write_text(json.dumps(other))
    assert "Trained with several settings, see the stages" in papers_report.write_tables(tmp_path)


def test_the_data_of_a_finished_grid_leave_memory(tmp_path, monkeypatch):
    experiments = {
        name: SimpleNamespace(is_chief=True, settings=SimpleNamespace(seed=42))
        for name in ("cardiac-4x", "brain-4x")
    }
    left = []
    monkeypatch.setattr(papers, "compare", lambda *_: left.append(list(experiments)) or left)
    monkeypatch.setattr(papers, "write_tables", lambda _: "table")
    papers.train_grids(experiments, tmp_path)
    assert left == [["brain-4x"], []]


def test_impossible_grids_are_refused_before_training():
    with pytest.raises(InputError, match=r"give a name such as D5C5 instead of t\.keras"):
        papers.check({}, "t.keras", "D3C5")
    with pytest.raises(InputError, match="imitation_weight only matters for the student-friendly"):
        papers.check({"brain-4x": None}, "D5C5", "D3C5", {"imitation_weight": 0.1})
    with pytest.raises(InputError, match="first_cascade only matters for the student-friendly"):
        papers.check({"brain-4x": None}, "D5C5", "D3C5", first_cascade="second")


@pytest.mark.slow
def test_script_makes_the_tables_and_takes_up_what_is_there(
    manual_dir, data_dir, tmp_path, run_here
):
    masks, run_dir = tmp_path / "masks", tmp_path / "run"
    masks.mkdir()
    np.save(masks / "cardiac_4x.npy", gaussian_mask((150, 150), 4, center_lines=10, seed=3))
    flags = (
        *("papers", "--manual-dir", manual_dir, "--data-dir", data_dir, "--masks", masks),
        *("--only", "cardiac-4x", "--run-dir", run_dir, *TRAINING, *NETWORKS),
    )
    output, _ = run_here(*flags)
    table = (run_dir / "papers.md").read_text()
    assert table in output
    lines = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")]
    assert lines[2:] == [f"| {name}" for name in ["zero-filled", *NAMES, *WITH_SFT]]
    assert "mask cardiac_4x.npy" in table
    assert "32.51 | 0.9157 | 32.15 |" in table
    for name in ("evaluation.csv", "comparison.md", "reconstructions.png"):
        assert (run_dir / "cardiac-4x" / "papers" / name).exists()
    output, _ = run_here(*flags)
    assert output.count("finished earlier") == 10
    assert (run_dir / "papers.md").read_text() == table


@pytest.mark.parametrize("whole", [False, True])
def test_grids_share_cores_and_prepared_data(tmp_path, monkeypatch, run_here, whole):
    """Of one process: the first grid alone divides the cores, and of a data set alone prepares."""
    asked, trained = [], []

    def experiment(arguments):
        asked.append(arguments)
        return SimpleNamespace(check=lambda *networks, **options: None)

    monkeypatch.setattr("kdmri_tf.cli.from_flags.experiment", experiment)
    monkeypatch.setattr(papers, "train_grids", lambda grids, *rest, **_: trained.append([*grids]))
    grids = ("cardiac-4x", "brain-4x", "cardiac-5x")
    masks = [tmp_path / f"{name.replace('-', '_')}.npy" for name in grids]
    for path in masks:
        path.touch()
    run_here(
        *("papers", "--only", *grids, "--masks", tmp_path, "--run-dir", tmp_path / "run"),
        *("--rebuild-data", *(["--whole-batches"] if whole else [])),
    )
    assert trained == [list(grids)]
    assert [given.run_dir for given in asked] == [tmp_path / "run" / name for name in grids]
    assert [given.mask for given in asked] == list(map(str, masks))
    assert [(given.dataset, given.acc) for given in asked] == [
        *(("cardiac", 4.0), ("brain", 4.0), ("cardiac", 5.0))
    ]
    assert [given.whole_batches for given in asked] == [whole, True, True]
    assert [given.rebuild_data for given in asked] == [True, True, False]


@pytest.mark.parametrize(
    ("flag", "value"), [("--branch-weight", 0.5), ("--first-cascade", "second")]
)
def test_flags_of_sft_are_refused_before_data_are_prepared(tmp_path, run_here, flag, value):
    places = ("--data-dir", tmp_path / "data", "--run-dir", tmp_path / "run")
    _, error = run_here("papers", "--only", "knee-4x", flag, value, *places, expect=2)
    assert error == (
        f"error: {flag} only matters for the student-friendly teacher, which only cardiac-4x has: "
        "add that to --only, or leave the flag out.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "liver-4x"), "invalid choice: 'liver-4x'"),
        (("--only", "brain-4x", "--masks", "none"), "There is no mask none/brain_4x.npy for brain"),
        (
            ("--only", "cardiac-5x", "--fade-branches"),
            "--fade-branches only matters for the student-friendly teacher, which only cardiac-4x",
        ),
        (("--dataset", "brain"), "unrecognized arguments: --dataset brain"),
        (("--teacher", "t.keras"), "t.keras is a trained network; give the name of one to train"),
    ],
)
def test_mistakes_of_the_script(manual_dir, data_dir, tmp_path, run_here, arguments, message):
    flags = ("--manual-dir", manual_dir, "--data-dir", data_dir, "--run-dir", tmp_path)
    _, error = run_here("papers", *flags, *TRAINING, *arguments, expect=2)
    assert message in error
    assert not list(tmp_path.glob("*/*"))
