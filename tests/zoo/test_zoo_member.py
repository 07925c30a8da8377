"""One command takes a finished stage into the zoo; its card tells what the run knows."""

import copy
import json
import shutil

import pytest

from kdmri_tf import DCCNN, InputError, TrainingSettings, list_networks, load_network
from kdmri_tf.data.provenance import data_facts
from kdmri_tf.evaluation.model_card import model_card
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training import run_folder
from kdmri_tf.training.stage_config import stage_config
from kdmri_tf.training.zoo_member import add_to_zoo
from kdmri_tf.zoo import listing

METRICS = {name: {"mean": 0.5, "std": None} for name in ("psnr", "ssim", "nmse", "hfn")}
WORDS = {"task": "Tiny hearts", "origin": "phantoms", "licence": "Apache-2.0"}


@pytest.fixture
def own_zoo(tmp_path, monkeypatch):
    """A copy of the zoo that tests may add to."""
    folder = shutil.copytree(listing.FOLDER, tmp_path / "zoo")
    monkeypatch.setattr(listing, "FOLDER", folder)
    return folder


@pytest.fixture
def stage(data, tmp_path, monkeypatch):
    """A finished and evaluated stage, trained with a teacher of the zoo."""
    teacher = load_network("cardiac-4x-teacher")
    network = DCCNN(2, 1, filters=2, dtype="mixed_bfloat16")
    settings = TrainingSettings(epochs=3, filters=2, precision="mixed_bfloat16")
    config = stage_config("kd-at-D2C1", network, data, settings, {}, teacher)
    line = ["/home/me/train/kd.py", "--manual-dir", "/home/me/raw", "--run-dir", "/home/me/runs"]
    monkeypatch.setattr(run_folder.sys, "argv", [*line, "--seed", "42"])
    stage = run_folder.open_stage(tmp_path / "run", "kd-at-D2C1", config, data_facts(data))
    stage.finish(network)
    networks = {"zero-filled": METRICS, "KD student": {**METRICS, "psnr": {"mean": 31, "std": 2}}}
    networks["KD student"]["weights_sha256"] = weights_digest(network)
    evaluation = {"title": "tiny", "volumes": 2, "patients": 2, "slices": 4, "networks": networks}
    (stage.folder.parent / "evaluation.json").write_text(json.dumps(evaluation))
    return stage.folder


@pytest.fixture
def places(tiny_source):
    """Where the data of the stage lie."""
    return {name: tiny_source[name] for name in ("manual_dir", "data_dir")}


def test_a_stage_becomes_a_network_of_the_zoo(own_zoo, stage, places):
    card = add_to_zoo("tiny-2x", stage, **WORDS, **places)
    assert json.loads(json.dumps(card)) == list_networks()["tiny-2x"]
    network = load_network("tiny-2x")
    assert (network.architecture, network.compute_dtype) == ("D2C1", "float32")
    assert weights_digest(network) == card["network"]["weights_sha256"]
    assert card["data"]["train"] == {"patients": 3, "volumes": 3, "slices": 6}
    assert card["data"]["validation"] == {"patients": 2, "volumes": 2, "slices": 4}
    assert card["training"]["environment"]["command"] == "kdmri kd --manual-dir raw --seed 42"
    text = model_card(card)
    for words in (
        "# tiny-2x\n\nTiny hearts. Research only, **not for clinical use**.",
        "architecture: D2C1, ",
        "images: real (magnitude) images, trained on 36x34 pixels, takes any size",
        "train: 3 patients, 3 volumes, 6 slices",
        "teacher: `cardiac-4x-teacher`",
        "| tiny-2x | 31.00 ± 2.00 | 0.5000 |",
        "Trained for 3 epochs a stage; the papers train for 150.",
    ):
        assert words in text
    assert "/home" not in text


def test_the_command_prints_the_new_card(own_zoo, stage, places, run_here):
    flags = [f"--{name}={text}" for name, text in WORDS.items()]
    folders = ("--manual-dir", places["manual_dir"], "--data-dir", places["data_dir"])
    output, _ = run_here("zoo", "tiny-2x", "--add", stage, *flags, *folders)
    assert "# tiny-2x\n\nTiny hearts." in output


def test_the_card_says_where_training_started():
    """Only behind a stage of features are its first weights those of a stage."""
    card = copy.deepcopy(list_networks()["brain-4x-coils"])
    config = card["training"]["config"]
    config["start_sha256"] = "0a1b"
    for stage in ("kd-none-D3C5", "joint-at-D3C5", "at-D3C5"):
        config["stage"] = stage
        assert "- start: weights with the SHA-256 `0a1b`" in model_card(card)
    config["stage"] = "kd-at-D3C5"
    assert "- start: the stage before, on features alone" in model_card(card)


def test_cards_of_complex_images():
    card = copy.deepcopy(list_networks()["cardiac-4x"])
    config, facts = card["training"]["config"], card["training"]["facts"]
    config |= {"complex_images": True, "random_masks": True, "augment": "random_flips"}
    config["acquisition"] = {"coils": 6, "snr": [10.0, 60.0]}
    facts["coils"] = 6
    text = model_card(card)
    assert "images: complex images of 6 coils" in text
    assert "Scans were simulated from magnitude images (phase, noise, coils), in training" in text
    assert "in these results: coils 6, snr 10 to 60." in text
    assert "every training slice under one of 256 such masks" in text
    assert "augmentation: random flips" in text
    assert "one mask" not in text
    assert "raw k-space of a scanner" not in text
    config["acquisition"], facts["coils"] = None, 1
    assert "images: complex images of 1 coil, trained" in model_card(card)
    assert "simulated" not in model_card(card)


def test_cards_of_super_resolution():
    card = copy.deepcopy(list_networks()["cardiac-4x"])
    card["training"]["facts"] = {"label": "4x super-resolution", "scale": 4.0}
    text = model_card(card)
    assert "undersampling: 4x super-resolution: the centre of k-space" in text
    assert "one mask" not in text


def test_what_cannot_be_added(own_zoo, stage, places, tmp_path):
    with pytest.raises(InputError, match="'D2C1' cannot be a name of the zoo"):
        add_to_zoo("D2C1", stage, **WORDS, **places)
    with pytest.raises(InputError, match=r"config\.json is missing or unreadable"):
        add_to_zoo("tiny-2x", tmp_path, **WORDS, **places)
    config = json.loads((stage / "config.json").read_text())
    config["config"]["data_sha256"] = "other"
    (stage / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="The stage was trained on other cardiac data than these"):
        add_to_zoo("tiny-2x", stage, **WORDS, **places)
    (stage.parent / "evaluation.json").unlink()
    with pytest.raises(InputError, match="has measured these weights: run kdmri evaluate on that"):
        add_to_zoo("tiny-2x", stage, **WORDS, **places)
    assert "tiny-2x" not in list_networks()


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("config.json", ("facts",), r"is damaged or foreign \(KeyError: 'facts'\): train and eval"),
        ("config.json", ("environment", "command"), "foreign .*'command'"),
        ("config.json", ("config", "data_sha256"), r"does not say its data_sha256\.$"),
        ("../evaluation.json", ("volumes",), "foreign .*'volumes'"),
        ("../evaluation.json", ("networks", "zero-filled", "ssim"), "foreign .*'ssim'"),
    ],
)
def test_files_that_others_wrote(own_zoo, stage, places, name, keys, message):
    content = json.loads((stage / name).read_text())
    part = content
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    (stage / name).write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        add_to_zoo("tiny-2x", stage, **WORDS, **places)
    assert "tiny-2x" not in listing.names()
