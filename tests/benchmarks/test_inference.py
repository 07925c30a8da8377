"""The inference benchmark: what it compares, its contenders, its script."""

import csv
import importlib.util
import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from command_line import run
from needed_packages import needed

from kdmri_tf import DCCNN, VDSR, InputError
from kdmri_tf.benchmarks import inference, inference_contenders
from kdmri_tf.benchmarks.artefacts import Artefacts, size_on_disk
from kdmri_tf.benchmarks.forms import FORMS
from kdmri_tf.benchmarks.inference_contenders import inference_groups
from kdmri_tf.benchmarks.inference_report import InferenceReport
from kdmri_tf.compute.cores import num_cores

SIZE = (40, 36)
logging.getLogger("absl").setLevel(logging.ERROR)  # the converters' reports


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory):
    """An untrained student with SavedModels alone: converters take longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        owner = Artefacts("student", "D2C2", tmp_path_factory.mktemp("networks"), SIZE, {})
        owner.files(SIZE)
    return owner


def task(contender):
    """What a contender is told."""
    return json.loads(contender.command[-1])


def answers(contender, **changes):
    """(answer to two executions, standard error) of a contender that is told something else."""
    command = [*contender.command[:-1], json.dumps({**task(contender), **changes})]
    environment = {**os.environ, **contender.environment}
    done = subprocess.run(
        command, input="2\n", capture_output=True, text=True, check=False, env=environment
    )
    return json.loads(done.stdout or "null"), done.stderr.strip().splitlines()


@pytest.mark.parametrize(
    ("network", "weights"),
    [
        (DCCNN(3, 5), 5 * 9 * (32 + 32 * 32 + 32)),
        (DCCNN(5, 2, filters=4), 2 * 9 * (4 + 3 * 16 + 4)),
        (VDSR(7), 9 * (64 + 5 * 64 * 64 + 64)),
    ],
)
def test_arithmetic_is_two_operations_for_every_weight_and_pixel(tmp_path, network, weights):
    path = tmp_path / "network.keras"
    network.save(path)
    owner = Artefacts("student", path, tmp_path, SIZE, {})
    assert owner.gigaflop((240, 100)) == pytest.approx(2 * 240 * 100 * weights / 1e9)


def test_slices_are_as_many_as_are_asked_for(artefacts):
    for count in (2, 1, 3):
        with np.load(artefacts.slices(SIZE, count)) as file:
            assert {len(file[name]) for name in file.files} == {count}


def test_what_takes_turns_together_and_what_each_is_told(artefacts, tmp_path):
    teacher = Artefacts("teacher", "D3C2", tmp_path, SIZE, {})
    teacher.left_out = dict.fromkeys(FORMS, "a test")
    both = [teacher, artefacts]
    groups = inference_groups(both, [SIZE], [1, 3], [1, 2])
    assert [group.title for group in groups] == [
        f"{network}, 40x36, batch {batch}, {threads}"
        for batch in (1, 3)
        for threads in ("1 thread", "2 threads")
        for network in ("teacher D3C2", "student D2C2")
    ]
    report = InferenceReport("Inference", "a test", groups)
    assert [len(session) for session in report.sessions] == [3] * 4
    products, _, student = report.sessions[-1]
    assert products.title == "matrix product, 2048x2048, batch 1, 2 threads"
    assert [contender.name for contender in student.contenders] == [
        *("Keras predict", ".keras float32", "SavedModel float32", "SavedModel bfloat16")
    ]
    assert [task(contender)["by_predict"] for contender in student.contenders] == [True] + 3 * [
        False
    ]
    for contender in student.contenders:
        told = task(contender)
        assert (told["batch_size"], told["threads"]) == (3, 2)
        assert told["tolerance"] == (2e-2 if contender.precision == "bfloat16" else 1e-4)


def test_large_batches_are_left_to_one_network_at_a_time(artefacts, monkeypatch):
    monkeypatch.setattr(inference_contenders, "PIXELS_TOGETHER", 2 * 40 * 36)
    groups = inference_groups([artefacts, artefacts], [SIZE], [2, 3], [1])
    report = InferenceReport("Inference", "a test", groups)
    assert [len(session) for session in report.sessions] == [3, 2, 2]


def test_packages_that_are_missing(artefacts, capsys):
    (group,) = inference_groups([artefacts], [SIZE], [1], [1])
    assert {contender.framework for contender in group.contenders} == {"TensorFlow"}
    litert, onnx, openvino = inference._remarks([artefacts])
    assert litert.startswith("Left out: student LiteRT float32, student LiteRT float16, student Li")
    assert 'run pip install "kdmri_tf[litert]"' in litert
    assert 'run pip install "kdmri_tf[onnx]"' in onnx
    assert 'run pip install "kdmri_tf[openvino]"' in openvino
    assert capsys.readouterr().out == f"{litert}\n{onnx}\n{openvino}\n"


@pytest.mark.slow
def test_contender_counts_the_slices_of_its_batches(artefacts):
    (group,) = inference_groups([artefacts], [SIZE], [3], [1])
    answer, _ = answers(group.contenders[0])
    assert answer["slices"] == 2 * 3
    assert answer["seconds"] > 0


def test_contender_restricts_itself_before_anything_counts_cores():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    code = (
        "import os\n"
        "from kdmri_tf.benchmarks.contender import repeating, take_part\n"
        "take_part(lambda task: repeating(lambda: None, len(os.sched_getaffinity(0))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, '{"threads": 1}'],
        input="5\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["slices"] == 5


@pytest.mark.slow
def test_contender_with_other_images_says_so(artefacts, tmp_path):
    (group,) = inference_groups([artefacts], [SIZE], [1], [1])
    with np.load(artefacts.slices(SIZE, 1)) as file:
        arrays = dict(file)
    arrays["expected"] += 0.5
    np.savez(tmp_path / "wrong.npz", **arrays)
    answer, errors = answers(group.contenders[1], slices=str(tmp_path / "wrong.npz"))
    assert answer is None
    assert errors[-1] == "Its image differs by 5.0e-01 from that of the network, more than 1e-04."


@pytest.mark.parametrize(
    "form",
    ["released", "float32", "bfloat16", pytest.param("compiled float32", marks=pytest.mark.slow)],
)
def test_pytorch_contender_reconstructs_what_the_network_does(artefacts, form):
    """It ends by itself if not, see above; rounding in bfloat16 is seen."""
    pytest.importorskip("torch")
    (group,) = inference_groups([artefacts], [SIZE], [2], [1], torch=True)
    (contender,) = (c for c in group.contenders if task(c).get("form") == form)
    if form == "bfloat16":
        answer, errors = answers(contender, tolerance=1e-6)
        assert answer is None
        assert errors[-1].endswith("from that of the network, more than 1e-06.")
        return
    answer, errors = answers(contender)
    differs = answer is None and errors[-1].startswith("Its image differs")
    if answer is None and form.startswith("compiled") and not differs:
        pytest.skip(f"torch.compile does not work here: {errors[-1]}")
    assert answer["slices"] == 4, errors


def test_pytorch_needs_networks_that_it_has(tmp_path, monkeypatch):
    path = tmp_path / "plain.keras"
    for network in (
        DCCNN(2, 2, filters=2, residual=False),
        DCCNN(2, 2, filters=2, complex_images=True),
        DCCNN.from_name("D2C2-unshuffle2", filters=2),
    ):
        network.save(path)
        owner = Artefacts("plain", path, tmp_path, SIZE, {})
        with pytest.raises(
            InputError, match=r"--torch only runs residual .* which plain is not; leave"
        ):
            inference_groups([owner], [SIZE], [1], [1], torch=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--torch needs PyTorch, .*: run pip install torch"):
        measured(tmp_path, torch=True)


def measured(folder, **changes):
    usual = {"networks": {"student": "D2C2"}, "sizes": [SIZE], "batch_sizes": [1], "threads": None}
    report = inference.measured(folder, rounds=1, seconds=0.01, **(usual | changes))
    return report.write(folder, "inference")


def test_more_threads_than_cores(tmp_path):
    with pytest.raises(
        InputError, match=r"--threads 4096: this process may use at most \d+ cores\."
    ):
        measured(tmp_path, threads=[1, 4096])


def test_networks_do_not_take_each_others_files(tmp_path, monkeypatch):
    """By their names alone, two of their files would be a-int8.tflite."""
    seen = []
    monkeypatch.setattr(inference, "measure", lambda report, *_: seen.extend(report.groups))
    monkeypatch.setattr(Artefacts, "_export", lambda self, form, path, samples: path.touch())
    networks = {"a": "D2C1", "a-int8": "D2C1"}
    measured(tmp_path, networks=networks, sizes=[SIZE, SIZE], batch_sizes=[1, 1], threads=[1, 1])
    paths = [
        {task(contender)["path"] for contender in group.contenders if contender.file_size == 0}
        for group in seen
    ]
    assert [len(of_one) for of_one in paths] == [len(FORMS) - 2] * 2
    assert not paths[0] & paths[1]


def test_a_benchmark_without_a_turn_is_refused(tmp_path, monkeypatch):
    def fail(report, *_):
        report.failures[report.groups[0], ".keras float32"] = "it is tired"

    monkeypatch.setattr(inference, "measure", fail)
    with pytest.raises(InputError, match=r"every contender failed, first \.keras float32"):
        measured(tmp_path, forms=[form for form in FORMS if form.format == "keras"])


def test_size_on_disk(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"123")
    (tmp_path / "a" / "b" / "two").write_bytes(b"45")
    assert size_on_disk(tmp_path / "a") == 5
    assert size_on_disk(tmp_path / "a" / "one") == 3


def test_loss_of_a_trained_network_is_measured_on_its_own_slices(tiny_source, tmp_path):
    for package in ("ai_edge_litert", "ai_edge_quantizer"):
        needed(package)
    stage = tmp_path / "student"
    stage.mkdir()
    DCCNN(2, 1, filters=4).save(stage / "model.keras")
    facts = {"dataset": "cardiac", "source": "folder", "image_size": [36, 34], "acceleration": 2}
    (stage / "config.json").write_text(json.dumps({"config": facts}))
    places = {name: tiny_source[name] for name in ("manual_dir", "data_dir")}
    owner = Artefacts("student", stage / "model.keras", tmp_path / "out", SIZE, places)
    (form,) = (form for form in FORMS if form.name == "LiteRT float32")
    owner.left_out = {other: "a test" for other in FORMS if other is not form}
    assert owner.files(SIZE)[form].name == "student-40x36.tflite"
    assert owner.origin == "4 validation slices of cardiac (folder)"
    assert owner.losses == {form: pytest.approx(0, abs=1e-3)}


@pytest.mark.slow
def test_whole_benchmark(tmp_path):
    """In two formats that need no TensorFlow, as starting it takes longest."""
    for package in ("ai_edge_litert", "onnxruntime", "tf2onnx"):
        needed(package)
    forms = [form for form in FORMS if form.name in ("LiteRT float32", "ONNX int8")]
    networks = {"teacher": "D3C1", "student": "D2C1"}
    text = measured(tmp_path, networks=networks, threads=[1], forms=forms)
    assert text == (tmp_path / "inference.md").read_text()
    assert "### student D2C1, times faster than teacher D3C1" in text
    assert "ailed" not in text
    with open(tmp_path / "inference.csv") as file:
        turns = list(csv.DictReader(file))
    assert [(turn["work"], turn["contender"]) for turn in turns] == [
        ("matrix product", "float32"),
        ("matrix product", "bfloat16"),
        ("teacher D3C1", "LiteRT float32"),
        ("teacher D3C1", "ONNX int8"),
        ("student D2C1", "LiteRT float32"),
        ("student D2C1", "ONNX int8"),
    ]
    assert all(float(turn["slices_per_second"]) > 0 for turn in turns)
    assert (tmp_path / "inference.png").exists()


def test_script_hands_its_flags_over(tmp_path):
    """As far as the one that cannot be fulfilled."""
    flags = ("--networks", "a=D2C1", "--batch-sizes", 1, "--threads", 4096, "--output", tmp_path)
    _, error = run("benchmark", "--inference", *flags, expect=2)
    assert "error: --threads 4096: this process may use at most" in error


def test_default_threads_are_one_and_all(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "measure", lambda *arguments: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = measured(tmp_path)
    for threads in {1, num_cores()}:
        assert f"### student D2C2, 40x36, batch 1, {threads} thread" in text
    assert "KD-MRI reports" not in text
    assert "the papers" not in text
