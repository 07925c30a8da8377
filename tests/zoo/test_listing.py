"""The zoo: every file is whole and listed, names are unlike all others, networks load by name."""

import json
import re
import shutil

import numpy as np
import pytest

from kdmri_tf import InputError, Reconstructor, TrainingSettings, list_networks, load_network
from kdmri_tf.inference.runtimes.open_runtime import runtime_for
from kdmri_tf.networks.saved import NETWORKS, describe, weights_digest
from kdmri_tf.training.initial_networks import is_name, new_network
from kdmri_tf.zoo import listing

NAMES = listing.names()


@pytest.fixture
def copied_zoo(tmp_path, monkeypatch):
    """A copy of the zoo that tests may damage."""
    folder = shutil.copytree(listing.FOLDER, tmp_path / "zoo")
    monkeypatch.setattr(listing, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_every_network_loads_and_is_the_one_of_its_card(name):
    network, card = load_network(name), list_networks()[name]
    assert weights_digest(network) == card["network"]["weights_sha256"]
    assert network.architecture == card["network"]["architecture"]
    assert network.count_params() == card["network"]["parameters"]
    assert {weight.dtype for weight in network.weights} == {"float32"}
    assert getattr(network, "optimizer", None) is None
    assert card["name"] == name
    assert card["evaluation"]["metrics"]["psnr"]["mean"] > 20


def test_the_listing_has_every_file(copied_zoo):
    shipped = (copied_zoo / listing.LISTING).read_text()
    listing.write_listing()
    assert (copied_zoo / listing.LISTING).read_text() == shipped
    files = {path.name for path in copied_zoo.iterdir()} - {listing.LISTING, "README.md"}
    assert files == {name + suffix for name in NAMES for suffix in (".keras", ".json")}


@pytest.mark.parametrize("name", NAMES)
def test_cards_name_no_folder_of_a_machine(name):
    text = listing.checked_content(f"{name}.json").decode()
    assert not re.findall(r"(?<![\w/:.])[~.]*/\w+", text.replace("https://", ""))


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_an_architecture(name):
    assert not any(re.fullmatch(kind.name_pattern, name, re.IGNORECASE) for kind in NETWORKS)
    assert not is_name(name)
    assert is_name("D3C5-unshuffle2")
    assert is_name("d3c5")


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1] + b"?"])
def test_damaged_files_are_refused(copied_zoo, damage):
    name = NAMES[0]
    for suffix, use in ((".keras", load_network), (".json", lambda _: list_networks())):
        path = copied_zoo / f"{name}{suffix}"
        path.write_bytes(damage(path.read_bytes()))
        message = rf"{name}\{suffix} is damaged or missing: its SHA-256 .* Install kdmri_tf again"
        with pytest.raises(InputError, match=message):
            use(name)


def test_missing_files_are_refused(copied_zoo):
    name = NAMES[0]
    (copied_zoo / f"{name}.keras").unlink()
    with pytest.raises(InputError, match=rf"{name}\.keras is damaged or missing"):
        load_network(name)
    (copied_zoo / listing.LISTING).write_text("nothing")
    with pytest.raises(InputError, match="SHA256SUMS is damaged or missing: install kdmri_tf ag"):
        load_network(name)


@pytest.mark.parametrize("use", [load_network, Reconstructor])
def test_unknown_names_are_refused_with_those_that_there_are(use):
    message = f"There is no network liver-9x in the zoo, which has {', '.join(NAMES)}; a file of"
    with pytest.raises(InputError, match=message):
        use("liver-9x")


@pytest.mark.parametrize(
    "name", ["D3C5", "vdsr11", "cardiac", "a/b-4x", "cardiac-4x.keras", "4x-a"]
)
def test_names_that_the_zoo_cannot_have(name):
    assert not listing.looks_like_name(name)
    with pytest.raises(InputError, match="cannot be a name of the zoo: write small letters, then"):
        listing.check_name(name)


def test_facts_of_the_card_travel_with_the_network():
    facts = describe("cardiac-4x", load_network("cardiac-4x"))
    assert (facts["dataset"], facts["phase_encode_axis"]) == ("cardiac", 0)
    assert facts["metrics"] == list_networks()["cardiac-4x"]["evaluation"]["metrics"]
    json.dumps(facts)


def test_it_reconstructs_by_name():
    reconstruct = Reconstructor("cardiac-4x")
    assert reconstruct.metadata["architecture"] == "D3C5"
    mask = np.ones((16, 12), np.float32)
    assert reconstruct(np.zeros((1, 16, 12, 2), np.float32), mask).shape == (1, 16, 12, 1)


def test_an_export_here_comes_before_the_zoo(tmp_path, monkeypatch):
    """But not any folder, such as that of a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cardiac-4x").mkdir()
    assert runtime_for("cardiac-4x").format == "keras"
    (tmp_path / "cardiac-4x" / "saved_model.pb").touch()
    assert runtime_for("cardiac-4x").format == "saved_model"


def test_a_new_network_of_the_same_architecture():
    network = new_network("cardiac-4x", TrainingSettings())
    assert network.architecture == "D3C5"
    assert weights_digest(network) != weights_digest(load_network("cardiac-4x"))
