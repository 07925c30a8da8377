"""Damaged files, deleted folders, full disks: a sentence says what to do, and then it works."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from full_disk import filled, small_disk
from stopping import Stop, stop_in_epoch

from kdmri_tf import DCCNN, Experiment, InputError, TrainingSettings
from kdmri_tf.training.run_folder import open_stage
from kdmri_tf.training.stage_differences import read_config
from kdmri_tf.training.trained_networks import finished_networks
from kdmri_tf.training.training_state import TrainingState

SETTINGS = TrainingSettings(epochs=2, batch_size=2, filters=4)
STAGE = "teacher-D2C1"


def train(data, run_dir):
    return Experiment(data, run_dir, SETTINGS).teacher("D2C1")


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A run folder with a finished stage."""
    run_dir = tmp_path_factory.mktemp("finished")
    train(data, run_dir)
    return run_dir


def copy_of(run_dir, folder, finished=True):
    """A copy of a run, of which the stage may have all but its network yet."""
    shutil.copytree(run_dir, folder)
    if not finished:
        (folder / STAGE / "model.keras").unlink()
    return folder / STAGE


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": flipped,
    "text": lambda content: b"no archive",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state(data, finished, tmp_path, damage):
    stage = copy_of(finished, tmp_path / "run", finished=False)
    state = stage / "state.npz"
    state.write_bytes(DAMAGES[damage](state.read_bytes()))
    with pytest.raises(
        InputError, match=rf"state\.npz is damaged \(.*\): delete .*{STAGE}, and the same command"
    ):
        train(data, tmp_path / "run")


def test_the_state_of_another_network(finished, tmp_path):
    shutil.copy(finished / STAGE / "state.npz", tmp_path)
    network, optimizer = DCCNN(3, 1, filters=4), None
    with pytest.raises(InputError, match=r"damaged \(it is the state of another network\)"):
        TrainingState(tmp_path, network, optimizer)


def test_a_state_for_which_memory_is_missing_is_not_damaged(finished, tmp_path, monkeypatch):
    def no_memory(*arguments, **options):
        raise MemoryError

    shutil.copy(finished / STAGE / "state.npz", tmp_path)
    monkeypatch.setattr(np, "load", no_memory)
    with pytest.raises(MemoryError):
        TrainingState(tmp_path, DCCNN(2, 1, filters=4), None)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_network(data, finished, tmp_path, damage):
    stage = copy_of(finished, tmp_path / "run")
    model = stage / "model.keras"
    model.write_bytes(DAMAGES[damage](model.read_bytes()))
    message = rf"model\.keras is not a readable .* Delete .*{STAGE} to train it again\.$"
    with pytest.raises(InputError, match=message):
        train(data, tmp_path / "run")
    with pytest.raises(InputError, match=message):
        finished_networks(tmp_path / "run", {})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"config": [["a", 1]]}', '{"config": null}', "[" * 100_000, "\udce4"]
)
def test_an_unreadable_configuration(data, finished, tmp_path, text):
    stage = copy_of(finished, tmp_path / "run")
    (stage / "config.json").write_text(text, errors="surrogateescape")
    with pytest.raises(InputError, match=r"config\.json is missing or unreadable.* delete that fo"):
        train(data, tmp_path / "run")


def test_a_configuration_that_cannot_be(finished, tmp_path):
    stage = copy_of(finished, tmp_path / "run")
    content = json.loads((stage / "config.json").read_text())
    content["config"]["teacher_sha256"] = ["a"]
    (stage / "config.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'damaged \(teacher_sha256 is \["a"\] there.* a text\): '):
        finished_networks(tmp_path / "run", {})


def test_a_run_folder_that_is_deleted_during_training(data, tmp_path, monkeypatch):
    run_dir, end = tmp_path / "run", TrainingState.on_epoch_end

    def delete(self, epoch, logs=None):
        shutil.rmtree(run_dir)
        end(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "on_epoch_end", delete)
        with pytest.raises(InputError, match=rf"{STAGE} was deleted during training; the same com"):
            train(data, run_dir)
    train(data, run_dir)


def test_a_full_disk_during_training(data, finished, tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk") as disk:
        with monkeypatch.context() as patch:
            stop_in_epoch(patch, 2)
            with pytest.raises(Stop):
                train(data, disk)
        stage = disk / STAGE
        before = (stage / "state.npz").read_bytes()
        with (
            filled(disk),
            pytest.raises(InputError, match=rf"no space left on .*{STAGE}: make"),
        ):
            train(data, disk)
        assert (stage / "state.npz").read_bytes() == before
        assert not list(stage.glob(".*partial*"))
        trained = train(data, disk)
    expected = Experiment(data, finished, SETTINGS).teacher("D2C1")
    for weight, other in zip(trained.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_full_disk_before_training(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        with filled(disk), pytest.raises(InputError, match=rf"no space left on .*{STAGE}: mak"):
            open_stage(disk, STAGE, {"seed": "1" * 9000})
        open_stage(disk, STAGE, {"seed": 1})
        assert read_config(disk / STAGE) == {"seed": 1}


@pytest.mark.parametrize("history", ["7", "[]x", "[7]", "[{}]", '[{"val_loss": NaN}]', '{"a": 1}'])
def test_a_state_whose_history_is_none(finished, tmp_path, history):
    with np.load(finished / STAGE / "state.npz") as state:
        np.savez(tmp_path / "state.npz", **{**state, "history": history})
    with pytest.raises(InputError, match=r"state\.npz is damaged \(.*\): delete"):
        TrainingState(tmp_path, DCCNN(2, 1, filters=4), None)


def test_a_state_that_claims_to_be_huge(finished, tmp_path):
    with np.load(finished / STAGE / "state.npz") as state:
        arrays = dict(state)
    with zipfile.ZipFile(tmp_path / "state.npz", "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                shape = (3 * 10**9,) if name == "network/0000" else array.shape
                description = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, description)
                file.write(array.tobytes())
    with pytest.raises(InputError, match=r"network/0000\.npy claims to be larger than it is"):
        TrainingState(tmp_path, DCCNN(2, 1, filters=4), None)
