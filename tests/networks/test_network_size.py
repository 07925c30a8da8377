"""Networks that no computer could make are refused at once, by whatever name or file."""

import json
import shutil
import zipfile

import pytest

from kdmri_tf import DCCNN, VDSR, InputError, TrainingSettings, load_network
from kdmri_tf.sizes import check_network_size
from kdmri_tf.training.initial_networks import new_network


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DCCNN(99999, 99999), "D99999C99999 has 9,999,800,001 convolutions, but a network"),
        (lambda: DCCNN(5, 10**9), "D5C1000000000 has 5,000,000,000 convolutions"),
        (lambda: VDSR(10**6), "VDSR1000000 has 1,000,000 convolutions"),
        (lambda: DCCNN(5, 5, filters=999999999999), r"D5C5 with 999,999,999,999 filters has .* we"),
        (
            lambda: VDSR(2, filters=10**8),
            "VDSR2 with 100,000,000 filters has 1,800,000,000 weights",
        ),
        (lambda: new_network("D99999C99999", TrainingSettings()), "D99999C99999 has 9,999,800,001"),
        (
            lambda: new_network("D5C5", TrainingSettings(filters=10**12)),
            "filters must be at most 4,096; got 1,000,000,000,000",
        ),
        (lambda: new_network(f"D{'9' * 5000}C5", TrainingSettings()), "is not a network name; wr"),
    ],
)
def test_impossible_sizes(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_bound_can_be_raised(monkeypatch):
    size = {"num_convs": 1001, "num_blocks": 1, "filters": 1, "what": "VDSR1001"}
    with pytest.raises(InputError, match=r"environment variable KDMRI_SIZE_FACTOR=2\."):
        check_network_size(**size)
    monkeypatch.setenv("KDMRI_SIZE_FACTOR", "2")
    check_network_size(**size)
    size["num_convs"] = 2001
    with pytest.raises(InputError, match=r"environment variable KDMRI_SIZE_FACTOR=3\."):
        check_network_size(**size)


def test_the_bound_can_be_lowered(monkeypatch):
    monkeypatch.setenv("KDMRI_SIZE_FACTOR", "0.001")
    with pytest.raises(InputError, match="D2C1 has 2 convolutions, but a network may have 1,000"):
        DCCNN(2, 1, filters=1)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "network.keras"
    DCCNN(2, 1, filters=2).save(path)
    return path


def rewritten(source, path, change):
    """The archive with another configuration or entry."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            change(new, entry.filename, old.read(entry))
    return path


def test_a_small_file_that_claims_a_million_convolutions(saved, tmp_path):
    def change(archive, name, content):
        if name == "config.json":
            config = json.loads(content)
            config["config"]["num_convs"] = 10**6
            content = json.dumps(config)
        archive.writestr(name, content)

    path = rewritten(saved, tmp_path / "claims.keras", change)
    message = (
        r"claims\.keras is not a readable \.keras model \(D1000000C1 has 1,000,000 convolutions, "
        r"but a network may have 1,000 at most\. [^.]*KDMRI_SIZE_FACTOR=1000\)\.$"
    )
    with pytest.raises(InputError, match=message):
        load_network(path)


def test_a_small_file_that_unpacks_to_gigabytes(saved, tmp_path):
    def change(archive, name, content):
        if name != "model.weights.h5":
            archive.writestr(name, content)
            return
        with archive.open(name, "w", force_zip64=True) as file:
            for _ in range(1025):
                file.write(bytes(2**20))

    path = rewritten(saved, tmp_path / "bomb.keras", change)
    assert path.stat().st_size < 2**21
    with pytest.raises(InputError, match=r"bomb\.keras is not .* \(it unpacks to 1,07\d,\d{3},"):
        load_network(path)


def test_a_file_that_is_no_archive(saved, tmp_path):
    shutil.copy(saved, tmp_path / "half.keras")
    (tmp_path / "half.keras").write_bytes(saved.read_bytes()[:500])
    with pytest.raises(InputError, match=r"half\.keras is not a readable \.keras model"):
        load_network(tmp_path / "half.keras")
