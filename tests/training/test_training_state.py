"""The state of a training: who writes it, what it refuses, and what goes on from it."""

import math

import keras
import numpy as np
import pytest
from stopping import Stop, stop_in_epoch

from kdmri_tf import DCCNN, InputError, TrainingSettings
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.training_state import TrainingState


def new_network():
    """A network and its optimizer, every weight the same number."""
    network, optimizer = DCCNN(2, 1, filters=2), keras.optimizers.Adam()
    fill(network, 0)
    optimizer.build(network.trainable_variables)
    return network, optimizer


def fill(network, number):
    network.set_weights([np.full_like(weight, number) for weight in network.get_weights()])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_worker_that_does_not_write_goes_on_from_the_state_of_the_one_that_does(tmp_path):
    network, optimizer = new_network()
    chief = TrainingState(tmp_path, network, optimizer)
    for epoch in range(2):
        fill(network, epoch + 1)
        optimizer.iterations.assign(epoch + 1)
        chief.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0 + epoch})
    written = contents(tmp_path)
    other, its_optimizer = new_network()
    state = TrainingState(tmp_path, other, its_optimizer, writes=False)
    assert (state.epoch, state.history) == (2, chief.history)
    assert int(its_optimizer.iterations) == 2
    assert {float(weight.max()) for weight in other.get_weights()} == {2.0}
    assert {float(weight.max()) for weight in state.best_weights} == {1.0}
    state.on_epoch_end(2, {"loss": 1.0, "val_loss": 0.5})
    assert state.epoch == 3
    assert contents(tmp_path) == written


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_leaves_the_state_before_it(tmp_path, name, number):
    network, optimizer = new_network()
    state = TrainingState(tmp_path, network, optimizer)
    state.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0})
    written = contents(tmp_path)
    with pytest.raises(InputError, match=rf"^{name} became {number} in epoch 2; lower the learn"):
        state.on_epoch_end(1, {"loss": 1.0, "val_loss": 1.0, name: number})
    assert state.epoch == 1
    assert contents(tmp_path) == written


@pytest.mark.slow
def test_a_distillation_that_is_resumed_ends_as_one_that_is_not(
    data, tmp_path, monkeypatch, capsys
):
    """With the teacher's outputs kept in memory: they are computed again."""
    settings = TrainingSettings(epochs=4, batch_size=2, filters=4, schedule="constant")

    def distil(name):
        keras.utils.set_random_seed(0)
        teacher = DCCNN(3, 2, filters=4)
        experiment = Experiment(data, tmp_path / name, settings)
        return experiment.distil(teacher, "D2C2", "at", joint=True)

    whole = distil("whole")
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, 3)
        with pytest.raises(Stop):
            distil("stopped")
    resumed = distil("stopped")
    said = capsys.readouterr().out
    assert "Continuing after epoch 2 of 4" in said
    assert said.count("The teacher's outputs are kept in memory") == 3
    for expected, weight in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
