"""Branches that fade out: by how much in which epoch, resumed like uninterrupted, and refused."""

import csv

import keras
import numpy as np
import pytest
from stopping import Stop, stop_in_epoch

from kdmri_tf import DCCNN, BranchFading, InputError, StudentFriendlyTeacher, TrainingSettings
from kdmri_tf.training.fit import train


def joint():
    keras.utils.set_random_seed(1)
    return StudentFriendlyTeacher(DCCNN(2, 2, filters=4), DCCNN(2, 2, filters=3))


class Shares(keras.callbacks.Callback):
    """Notes the share of every epoch."""

    def __init__(self):
        super().__init__()
        self.shares = []

    def on_epoch_end(self, epoch, logs=None):
        self.shares.append(float(self.model.branch_share.numpy()))


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(2, [1, 0]), (4, [1, 1, 0.5, 0]), (5, [1, 1, 0.8, 0.4, 0])],
)
def test_the_share_of_every_epoch(inputs, images, epochs, expected):
    model, noted = joint(), Shares()
    model.compile("sgd", imitation_weight=1.0)
    callbacks = [BranchFading(epochs), noted]
    history = model.fit(inputs, images, epochs=epochs, verbose=0, callbacks=callbacks).history
    assert noted.shares == pytest.approx(expected)
    assert float(model.branch_share.numpy()) == 1
    for epoch, share in enumerate(expected):
        logs = {name: values[epoch] for name, values in history.items()}
        fading = share * (logs["branch_loss"] + logs["imitation_loss"])
        assert logs["loss"] == pytest.approx(logs["teacher_loss"] + fading, rel=1e-5)
    assert history["cancelled_share"][-1] == 0 < history["cancelled_share"][0]


@pytest.mark.slow
def test_resumed_equals_uninterrupted(data, tmp_path, monkeypatch):
    settings = TrainingSettings(epochs=4, batch_size=2, schedule="constant")

    def fit(folder):
        model = joint()
        folder.mkdir(exist_ok=True)
        train(model, model, data, folder, settings, callbacks=[BranchFading(4)])
        return model.get_weights()

    whole = fit(tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, 3)  # in the first of two epochs in which the branches fade
        with pytest.raises(Stop):
            fit(tmp_path / "stopped")
    for weight, expected in zip(fit(tmp_path / "stopped"), whole, strict=True):
        np.testing.assert_array_equal(weight, expected)
    losses = []
    for name in ("whole", "stopped"):
        with open(tmp_path / name / "log.csv") as file:
            losses.append([float(row["loss"]) for row in csv.DictReader(file)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)


def test_the_state_of_a_joint_training_is_that_of_both_networks():
    model = joint()
    assert len(model.get_weights()) == len(model.teacher.weights) + len(model.student.weights)


def test_fading_needs_a_second_half_and_branches(inputs, images):
    with pytest.raises(InputError, match="so there must be at least 2; got 1"):
        BranchFading(1)
    network = DCCNN(2, 1, filters=2)
    network.compile("sgd", "mae")
    with pytest.raises(InputError, match="A DCCNN has no branches to fade out"):
        network.fit(inputs, images, epochs=2, verbose=0, callbacks=[BranchFading(2)])
    model = joint()
    model.compile("sgd")
    with pytest.raises(InputError, match="BranchFading expects 3 epochs, but fit runs 2; give"):
        model.fit(inputs, images, epochs=2, verbose=0, callbacks=[BranchFading(3)])
