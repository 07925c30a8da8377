"""Training that is stopped and resumed ends with the same bits; settings are checked at once."""

import csv
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from stopping import Stop, stop_in_epoch

from kdmri_tf import DCCNN, InputError, TrainingSettings
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.fit import learning_rate_schedule, to_device, train
from kdmri_tf.training.training_state import TrainingState


def fit(data, folder, epochs=4, **changes):
    settings = TrainingSettings(epochs=epochs, batch_size=2, filters=4, **changes)
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(settings.seed)
    network = DCCNN(2, 1, filters=4, dtype=settings.precision)
    train(network, network, data, folder, settings, loss="mae")
    return network


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"precision": "mixed_bfloat16"}, {"ema_momentum": 0.9}],
    ids=["float32", "mixed_bfloat16", "averaged"],
)
def test_resumed_equals_uninterrupted(data, tmp_path, monkeypatch, changes, capsys):
    whole = fit(data, tmp_path / "whole", **changes)
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, 3)
        with pytest.raises(Stop):
            fit(data, tmp_path / "stopped", **changes)
    resumed = fit(data, tmp_path / "stopped", **changes)
    assert "Continuing after epoch 2 of 4" in capsys.readouterr().out
    for expected, weight in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    logs = []
    for name in ("whole", "stopped"):
        with open(tmp_path / name / "log.csv") as file:
            logs.append([row | {"seconds": ""} for row in csv.DictReader(file)])
    assert logs[0] == logs[1]
    assert [row["epoch"] for row in logs[0]] == ["1", "2", "3", "4"]


def test_averages_over_all_steps_are_validated_and_kept(data, tmp_path):
    """One step an epoch: the average begins at the weights after the first."""
    steps = []
    network = DCCNN(2, 1, filters=4)
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: steps.append(network.get_weights())
    )
    settings = TrainingSettings(epochs=3, batch_size=6, filters=4, ema_momentum=0.75)
    train(network, network, data, tmp_path, settings, callbacks=[note], loss="mae")
    averages = steps[:1]
    for weights in steps[1:]:
        pairs = zip(averages[-1], weights, strict=True)
        averages.append([0.75 * average + 0.25 * weight for average, weight in pairs])
    with open(tmp_path / "log.csv") as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    best = int(np.argmin(losses))
    assert best == 2
    for weight, average, last in zip(network.get_weights(), averages[best], steps[-1], strict=True):
        np.testing.assert_allclose(weight, average, atol=1e-7)
        assert weight.ndim == 1 or np.abs(weight - last).max() > 1e-5
    network.compile(loss="mae")
    measured = network.evaluate(data.batches("validation", 4), verbose=0, return_dict=True)
    assert losses[best] == pytest.approx(measured["loss"], rel=1e-5)


def test_a_kill_while_the_state_is_written_costs_that_epoch_alone(
    data, tmp_path, monkeypatch, capsys
):
    whole = fit(data, tmp_path / "whole", epochs=2)
    savez, written = np.savez, []

    def dying_savez(path, **arrays):
        written.append(path)
        if len(written) == 2:
            path.write_bytes(b"half of a state")
            raise Stop
        savez(path, **arrays)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", dying_savez)
        with pytest.raises(Stop):
            fit(data, tmp_path / "stopped", epochs=2)
    resumed = fit(data, tmp_path / "stopped", epochs=2)
    assert "Continuing after epoch 1 of 2" in capsys.readouterr().out
    for expected, weight in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    names = {path.name for path in (tmp_path / "stopped").iterdir()}
    assert names == {"state.npz", "log.csv", "tensorboard"}


def test_a_run_folder_of_any_name(data, tmp_path):
    """TensorFlow takes some for patterns, and cannot write others."""
    folder = tmp_path / "h\udce4nsel [1]"
    fit(data, folder, epochs=1)
    assert {path.name for path in folder.iterdir()} == {"state.npz", "log.csv", "tensorboard"}
    assert list((folder / "tensorboard" / "train").glob("events*"))


def test_finished_training_is_not_repeated(data, tmp_path, monkeypatch):
    first = fit(data, tmp_path)
    monkeypatch.setattr(keras.Model, "fit", None)
    for expected, weight in zip(
        first.get_weights(), fit(data, tmp_path).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected)


def test_keeps_the_weights_with_the_lowest_validation_loss(tmp_path):
    network = DCCNN(2, 1, filters=2)
    optimizer = keras.optimizers.Adam()
    optimizer.build(network.trainable_variables)
    state = TrainingState(tmp_path, network, optimizer)
    for epoch, val_loss in enumerate([3.0, 1.0, 2.0, 1.5]):
        network.set_weights([np.full_like(weight, epoch) for weight in network.get_weights()])
        state.on_epoch_begin(epoch)
        state.on_epoch_end(epoch, {"loss": 0.0, "val_loss": val_loss})
    restored = TrainingState(tmp_path, network, optimizer)
    for kept in (state, restored):
        assert {float(weight.max()) for weight in kept.best_weights} == {1.0}
    assert restored.epoch == 4
    assert {float(weight.max()) for weight in network.get_weights()} == {3.0}


def test_the_log_of_an_earlier_version_gets_new_columns(tmp_path):
    network = DCCNN(2, 1, filters=2)
    optimizer = keras.optimizers.Adam()
    optimizer.build(network.trainable_variables)
    TrainingState(tmp_path, network, optimizer).on_epoch_end(0, {"loss": 0.0, "val_loss": 2.0})
    state = TrainingState(tmp_path, network, optimizer)
    state.on_epoch_end(1, {"loss": 0.0, "val_loss": 1.0, "new": 3.0})
    with open(tmp_path / "log.csv") as file:
        assert [row["new"] for row in csv.DictReader(file)] == ["", "3.0"]


def test_a_log_that_was_lost_is_written_again(data, tmp_path):
    fit(data, tmp_path, epochs=1)
    written = (tmp_path / "log.csv").read_text()
    (tmp_path / "log.csv").unlink()
    fit(data, tmp_path, epochs=1)
    assert (tmp_path / "log.csv").read_text() == written


def test_numpy_settings_become_plain(tmp_path):
    settings = TrainingSettings(epochs=np.int64(3), learning_rate=np.float32(0.5), seed=np.uint8(7))
    assert [type(value) for value in (settings.epochs, settings.learning_rate)] == [int, float]
    assert settings == TrainingSettings(epochs=3, learning_rate=0.5, seed=7)


def test_loss_that_is_not_finite(data, tmp_path):
    with pytest.raises(InputError, match=r"loss became nan in epoch 1; lower the learning rate"):
        fit(data, tmp_path, learning_rate=1e30)
    assert not (tmp_path / "state.npz").exists()


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1e-3] * 6),
        ("step", [1e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-6]),
        ("cosine", [1e-3, 9.98e-4, 5.82e-4, 2.5e-4, 9.5e-5, 0.0]),
    ],
)
def test_schedules(schedule, expected):
    settings = TrainingSettings(epochs=150, schedule=schedule)
    rate = learning_rate_schedule(settings, steps_per_epoch=10)
    epochs = [0, 4, 67, 100, 120.1, 150]
    if schedule == "step":
        epochs = [0, 39.9, 40.2, 80.2, 120.2, 150]
    if schedule == "cosine":
        expected = [5e-4 * (1 + np.cos(np.pi * epoch / 150)) for epoch in epochs]
    values = [float(rate(round(e * 10))) if callable(rate) else rate for e in epochs]
    assert values == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_step_schedule_scales_with_the_number_of_epochs():
    rate = learning_rate_schedule(TrainingSettings(epochs=15), steps_per_epoch=10)
    assert [float(rate(step)) for step in (40, 41, 81, 121)] == pytest.approx(
        [1e-3, 1e-4, 1e-5, 1e-6], rel=1e-5
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"epochs": 10**12}, "epochs must be at most 1,000,000; got 1,000,000,000,000"),
        ({"epochs": 10.0}, r"epochs must be a whole number; got 10\.0"),
        ({"consistency_form": "rows"}, "Unknown consistency_form 'rows'; choose one of auto, rfft"),
        ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
        ({"filters": -1}, "filters must be at least 1; got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive; got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive; got nan"),
        ({"seed": -1}, r"seed must lie between 0 and 2\^31 - 1; got -1"),
        ({"schedule": "linear"}, "Unknown schedule 'linear'; choose one of step, cosine, constant"),
        ({"precision": "float16"}, "Unknown precision 'float16'; choose one of float32, mixed"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(InputError, match=message):
        TrainingSettings(**change)


def test_batches_wait_on_the_device(data, monkeypatch):
    """With a CPU in the place of a GPU, as there may be none."""
    batches = data.batches("validation", 2)
    assert to_device(batches) is batches or tf.config.list_logical_devices("GPU")
    devices = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: devices)
    waiting = list(to_device(batches))
    assert len(waiting) == 2
    for (_, image), (_, expected) in zip(waiting, batches, strict=True):
        np.testing.assert_array_equal(image, expected)


def test_an_average_of_few_steps_is_refused(data, tmp_path):
    """Two steps an epoch: 6 slices, 4 at a time."""
    settings = TrainingSettings(epochs=3, filters=2, ema_momentum=0.9)
    words = "With ema_momentum 0.9, 53% of the averages would be the weights after the first of "
    with pytest.raises(InputError, match=f"{words}only 6 steps: give at most 0.681"):
        Experiment(data, tmp_path, settings)
    Experiment(data, tmp_path, dataclasses.replace(settings, ema_momentum=0.681))
