"""Resumable training of one network: optimizer, schedule, checkpoints and logs."""

import csv
import json
import math
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.slice_psnr import SlicePSNR
from kdmri_tf.training.run_folder import STATE_FILE

VALIDATION_BATCH_SIZE = 8


def learning_rate_schedule(settings, steps_per_epoch):
    """The learning rate over optimizer steps, as `settings.schedule` names it.

    Args:
        settings: `TrainingSettings`.
        steps_per_epoch: optimizer steps an epoch.

    Returns:
        A Keras schedule, or the number if it is constant.
    """
    total = settings.epochs * steps_per_epoch
    if settings.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(settings.learning_rate, total)
    if settings.schedule == "step":
        boundaries = [round(total * 40 * drop / 150) for drop in (1, 2, 3)]
        values = [settings.learning_rate * 0.1**drop for drop in range(4)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    return settings.learning_rate


def train(
    model, network, data, folder, settings, teacher=None, *, callbacks=(), **compile_arguments
):
    """Fits `model` and leaves in `network` the weights with the lowest validation loss.

    The state after every epoch is kept in `folder`; a call with the same arguments continues an
    interrupted one and ends with the same weights, bit for bit, on the same machine (on a GPU only
    under `tf.config.experimental.enable_op_determinism`).

    Args:
        model: what is fitted: the network itself, or a wrapper such as `Distiller`.
        network: the `Network`, or `StudentFriendlyTeacher`, whose weights are trained.
        data: `MRIData`.
        folder: keeps `state.npz`, `log.csv` and TensorBoard logs.
        settings: `TrainingSettings`.
        teacher: what `cache_teacher` kept for a `Distiller`, or None.
        callbacks: Keras callbacks whose effect follows from the number of the epoch alone, or a
            resumed training would differ.
        compile_arguments: losses, for `model.compile`.

    Raises:
        InputError: the loss stops being finite.
    """
    batch_size, teacher = settings.batch_size, teacher or {}
    steps = compile_for_training(model, network, data, settings, **compile_arguments)
    state = TrainingState(folder, network, model.optimizer)
    if state.epoch:
        print(f"Continuing after epoch {state.epoch} of {settings.epochs}.")
    if state.epoch < settings.epochs:
        batches = data.batches(
            "train", batch_size, settings.seed, state.epoch, teacher=teacher.get("train")
        )
        # After every epoch, as it chooses the best weights; without gradients it costs little.
        validation = data.batches(
            "validation", VALIDATION_BATCH_SIZE, teacher=teacher.get("validation")
        )
        model.fit(
            to_device(batches),
            validation_data=to_device(validation),
            steps_per_epoch=steps,
            shuffle=False,
            initial_epoch=state.epoch,
            epochs=settings.epochs,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[
                *callbacks,
                state,
                keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            ],
        )
    network.set_weights(state.best_weights)


def compile_for_training(model, network, data, settings, **compile_arguments):
    """Compiles `model` as `train` does, with a built optimizer.

    Returns:
        Steps an epoch.
    """
    steps = data.num_batches("train", settings.batch_size)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate_schedule(settings, steps)),
        metrics=[SlicePSNR()],
        steps_per_execution=_steps_per_execution(steps),
        **compile_arguments,
    )
    model.optimizer.build(network.trainable_variables)
    return steps


class TrainingState(keras.callbacks.Callback):
    """Everything a killed run needs to continue, in one file that is replaced atomically.

    Holds the network's weights, the optimizer's variables, the best weights by validation loss and
    the history. (`keras.callbacks.BackupAndRestore` with `ModelCheckpoint` forgets the best loss
    so far, and would save a distiller's teacher as well.)

    Args:
        folder: of `state.npz` and `log.csv`; an existing state is restored at once.
        network: the model whose weights are trained.
        optimizer: its built optimizer.

    Attributes:
        epoch: epochs done.
        history: one dictionary of logs an epoch.
        best_weights: the weights with the lowest `val_loss` so far.
    """

    def __init__(self, folder, network, optimizer):
        super().__init__()
        self.folder = Path(folder)
        self.network = network
        self.optimizer = optimizer
        self.history = []
        self.best_weights = network.get_weights()
        self._epoch_start = time.perf_counter()
        if self._path.exists():
            self._restore()
            self._write_log()

    @property
    def _path(self):
        return self.folder / STATE_FILE

    @property
    def epoch(self):
        return len(self.history)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in logs.items()}
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs[name]):
                raise InputError(
                    f"{name} became {logs[name]} in epoch {epoch + 1}; lower the learning rate "
                    "(--lr), delete the stage's folder and start it again."
                )
        if all(logs["val_loss"] < past["val_loss"] for past in self.history):
            self.best_weights = self.network.get_weights()
        seconds = time.perf_counter() - self._epoch_start
        self.history.append({"epoch": epoch + 1, **logs, "seconds": round(seconds, 2)})
        self._save()

    def _save(self):
        arrays = {
            **_numbered("network", self.network.get_weights()),
            **_numbered("best", self.best_weights),
            **_numbered("optimizer", [variable.numpy() for variable in self.optimizer.variables]),
        }
        _replace(
            self._path, lambda file: np.savez(file, history=json.dumps(self.history), **arrays)
        )
        self._write_log()

    def _write_log(self):
        with open(self.folder / "log.csv", "w", newline="") as file:
            # Epochs of an earlier version may lack a column.
            writer = csv.DictWriter(file, {name: None for row in self.history for name in row})
            writer.writeheader()
            writer.writerows(self.history)

    def _restore(self):
        with np.load(self._path) as state:
            self.history = json.loads(str(state["history"]))
            self.network.set_weights(_all(state, "network"))
            self.best_weights = _all(state, "best")
            for variable, value in zip(
                self.optimizer.variables, _all(state, "optimizer"), strict=True
            ):
                variable.assign(value)


def _steps_per_execution(steps):
    """The largest divisor of an epoch's steps up to 8: fewer returns to Python, whole epochs."""
    return max(count for count in range(1, 9) if steps % count == 0)


def to_device(batches):
    """Batches that wait in the memory of the GPU, where there is one."""
    for gpu in tf.config.list_logical_devices("GPU"):
        return batches.apply(tf.data.experimental.prefetch_to_device(gpu.name))
    return batches


def _numbered(name, arrays):
    return {f"{name}/{index:04d}": array for index, array in enumerate(arrays)}


def _all(state, name):
    return [state[key] for key in sorted(state.files) if key.startswith(f"{name}/")]


def _replace(path, write):
    """Writes a file so that a kill at any moment leaves the old one or the new one, whole."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
