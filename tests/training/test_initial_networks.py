"""Weights are loaded by name, all of them or none, and it is said how many."""

import dataclasses

import numpy as np
import pytest

from kdmri_tf import DCCNN, VDSR, InputError, TrainingSettings
from kdmri_tf.training.initial_networks import (
    copy_for_training,
    is_name,
    load_weights,
    new_network,
    tensor_name,
)

SETTINGS = TrainingSettings(filters=4)


@pytest.fixture
def saved(tmp_path):
    """(network, its file)."""
    network = DCCNN(2, 3, filters=4)
    network.save(tmp_path / "student.keras")
    return network, tmp_path / "student.keras"


def equal(network, other):
    """Cascade -> whether its weights are the same in both."""
    return [
        all((a == b).all() for a, b in zip(x.get_weights(), y.get_weights(), strict=True))
        for x, y in zip(network.blocks, other.blocks, strict=True)
    ]


def test_names_of_tensors():
    names = [tensor_name(weight) for weight in DCCNN(2, 1).weights]
    assert names == [f"cascade1/conv{i}/{kind}" for i in (1, 2) for kind in ("kernel", "bias")]


def test_all_tensors(saved, capsys):
    network, path = saved
    student = DCCNN(2, 3, filters=4)
    load_weights(student, path)
    assert equal(student, network) == [True] * 3
    assert f"Loaded 12 of 12 tensors from {path}." in capsys.readouterr().out


def test_first_cascade_stays_random(saved, capsys):
    network, path = saved
    student = DCCNN(2, 3, filters=4)
    before = student.blocks[0].get_weights()
    load_weights(student, path, first_cascade="random")
    assert equal(student, network) == [False, True, True]
    for weight, expected in zip(student.blocks[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert "Loaded 8 of 12 tensors" in capsys.readouterr().out


def test_first_cascade_of_another_name(saved):
    """Which would be random without a word."""
    with pytest.raises(InputError, match="one of random, second; got 'Second'"):
        load_weights(DCCNN(3, 3, filters=4), saved[1], first_cascade="Second")


def test_first_cascade_is_a_copy_of_the_second(saved):
    network, path = saved
    student = DCCNN(2, 3, filters=4)
    load_weights(student, path, first_cascade="second")
    first = student.blocks[0].get_weights()
    for weight, expected in zip(first, network.blocks[1].get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (DCCNN(2, 4, filters=4), r"cascade4/conv1/kernel of shape \(3, 3, 1, 4\) .* none of that"),
        (DCCNN(3, 3, filters=4), r"cascade1/conv2/kernel .* which has shape \(3, 3, 4, 1\): it ho"),
        (DCCNN(2, 3, filters=5), r"cascade1/conv1/kernel .* holds a D2C3 with 4 filters, the stu"),
        (DCCNN(2, 3, filters=4, residual=False), "with residual True, but the student has residu"),
    ],
)
def test_a_tensor_that_does_not_fit_is_an_error_and_changes_nothing(saved, student, message):
    _, path = saved
    before = student.get_weights()
    with pytest.raises(InputError, match=message):
        load_weights(student, path)
    for weight, expected in zip(student.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_weights_of_another_kind_of_network(saved):
    with pytest.raises(InputError, match="holds a D2C3, whose weights a VDSR2 cannot start from"):
        load_weights(VDSR(2, filters=4), saved[1])


def test_weights_of_a_network_with_negative_intensities(tmp_path):
    VDSR(2, filters=3, nonnegative=False).save(tmp_path / "student.keras")
    message = "nonnegative False, but the student has nonnegative True; give both the same --nonneg"
    with pytest.raises(InputError, match=message):
        load_weights(VDSR(2, filters=3), tmp_path / "student.keras")


def test_settings_of_another_kind_of_network():
    assert new_network("VDSR2", TrainingSettings(filters=4)).filters == 4
    for setting in ({"residual": False}, {"consistency_form": "fft"}):
        with pytest.raises(InputError, match=f"VDSR2 has no {next(iter(setting))}: leave that"):
            new_network("VDSR2", TrainingSettings(**setting))
    assert not new_network("VDSR2", TrainingSettings(nonnegative=False)).nonnegative
    with pytest.raises(InputError, match="D2C1 has no nonnegative: leave that setting out"):
        new_network("D2C1", TrainingSettings(nonnegative=False))


def test_settings_that_a_file_does_not_have(tmp_path):
    """Those that configurations leave out at their default, and those of another kind."""
    path = tmp_path / "one-step.keras"
    DCCNN(2, 1, filters=2, complex_images=True).save(path)
    settings = TrainingSettings(complex_images=True, consistency_steps=4)
    with pytest.raises(InputError, match="keras has consistency_steps 1, not 4: leave that setti"):
        new_network(path, settings)
    with pytest.raises(InputError, match="keras has no nonnegative: leave that setting out"):
        new_network(path, TrainingSettings(nonnegative=False))
    VDSR(2, filters=2).save(tmp_path / "vdsr.keras")
    with pytest.raises(InputError, match=r"vdsr\.keras has no residual: leave that setting out"):
        new_network(tmp_path / "vdsr.keras", TrainingSettings(residual=False))


@pytest.mark.parametrize("name", ["D2C1-unshuffle2-final3", "D2C1-final2", "D2C1"])
def test_a_single_cascade_has_no_second(name, tmp_path):
    student = DCCNN.from_name(name, filters=2)
    student.save(tmp_path / "student.keras")
    with pytest.raises(InputError, match=f"A {name} has no second cascade that its first could"):
        load_weights(student, tmp_path / "student.keras", first_cascade="second")


def test_teacher_in_place_of_the_student(saved):
    """The two files of a joint training, swapped."""
    with pytest.raises(InputError, match="it holds a D2C3"):
        load_weights(DCCNN(3, 3, filters=4), saved[1], first_cascade="random")


def test_new_network_is_seeded_and_follows_the_settings():
    first, second = (new_network("D2C1", SETTINGS) for _ in range(2))
    assert equal(first, second) == [True]
    other = new_network("D2C1", dataclasses.replace(SETTINGS, seed=1))
    assert equal(first, other) == [False]
    bfloat16 = dataclasses.replace(SETTINGS, precision="mixed_bfloat16", residual=False)
    network = new_network("D2C1", bfloat16)
    assert (network.residual, network.filters) == (False, 4)
    assert network.blocks[0].compute_dtype == "bfloat16"


def test_file_gives_the_architecture_alone(saved):
    network, path = saved
    new = new_network(str(path), SETTINGS)
    assert (new.architecture, new.filters) == ("D2C3", 4)
    assert not any(equal(new, network))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": 8}, r"student\.keras has filters 4, not 8: leave that setting out"),
        ({"residual": False}, r"student\.keras has residual True, not False: leave that"),
    ],
)
def test_settings_cannot_change_the_architecture_of_a_file(saved, settings, message):
    with pytest.raises(InputError, match=message):
        new_network(saved[1], TrainingSettings(**settings))


def test_copy_is_trainable_in_the_precision_of_the_settings(saved):
    network, _ = saved
    network.trainable = False
    bfloat16 = dataclasses.replace(SETTINGS, precision="mixed_bfloat16")
    copy = copy_for_training(network, bfloat16)
    assert equal(copy, network) == [True] * 3
    assert copy.blocks[0].compute_dtype == "bfloat16"
    assert len(copy.trainable_weights) == 12


def test_names_and_files():
    assert is_name("D5C5")
    assert not is_name("runs/teacher.keras")


def test_what_a_file_has_frozen_is_trained_anew(tmp_path):
    """New weights in a frozen cascade would stay random."""
    network = DCCNN(2, 2, filters=2)
    network.blocks[0].trainable = False
    network.save(tmp_path / "frozen.keras")
    new = new_network(tmp_path / "frozen.keras", TrainingSettings())
    for made in (new, copy_for_training(network, TrainingSettings())):
        assert len(made.trainable_variables) == len(made.weights)


def test_complex_images_and_their_noise_weight():
    settings = TrainingSettings(filters=4, complex_images=True, noise_weight="learned")
    network = new_network("D2C2", settings)
    assert network.complex_images
    assert len(network.consistency_weights) == 2
    with pytest.raises(InputError, match="VDSR3 has no complex_images: leave that setting out"):
        new_network("VDSR3", dataclasses.replace(settings, noise_weight=None))
