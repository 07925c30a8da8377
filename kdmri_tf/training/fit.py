"""Resumable training of one network: optimizer, schedule, batches and logs."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.compute import replicas
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.distillation.teacher_outputs import TeacherOutputs
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.slice_psnr import SlicePSNR
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.training.image_log import ImageLog
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.training.training_state import TrainingState

VALIDATION_BATCH_SIZE = 8


def learning_rate_schedule(
    settings: TrainingSettings, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """Returns the learning rate over optimizer steps, as `settings.schedule` names it.

    Args:
        settings: schedule, first rate and epochs.
        steps_per_epoch: optimizer steps per epoch.

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
    model: keras.Model,
    network: keras.Model,
    data: MRIData,
    folder: Path,
    settings: TrainingSettings,
    teacher_outputs: Mapping[str, TeacherOutputs] | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **compile_arguments: Any,
) -> None:
    """Fits `model` and leaves in `network` the weights with the lowest validation loss.

    The state after every epoch is kept in `folder`; a call with the same arguments continues an
    interrupted one and ends with the same weights, bit for bit, on the same machine (on a GPU only
    under `tf.config.experimental.enable_op_determinism`). Under a `tf.distribute` strategy every
    batch is shared by its replicas, and one worker writes; the weights are those of one process to
    rounding.

    Args:
        model: what is fitted: the network itself, or a wrapper such as `Distiller`.
        network: the `Network`, or `StudentFriendlyTeacher`, whose weights are trained.
        data: to train and to validate on.
        folder: keeps `state.npz`, `log.csv` and TensorBoard logs, with pictures, see `ImageLog`.
        settings: how it is trained.
        teacher_outputs: what `cache_teacher` kept for a `Distiller`, or None.
        callbacks: Keras callbacks whose effect follows from the number of the epoch alone, or a
            resumed training would differ.
        compile_arguments: losses, for `model.compile`.

    Raises:
        InputError: the loss stops being finite; workers would go on from different states.
    """
    kept = teacher_outputs or {}
    steps = compile_for_training(model, network, data, settings, **compile_arguments)
    strategy = model.distribute_strategy
    writes = replicas.is_chief(strategy)
    state = TrainingState(folder, network, model.optimizer, writes)
    _check_same_start(strategy, state.epoch)
    if state.epoch and writes:
        print(f"Continuing after epoch {state.epoch} of {settings.epochs}.")
    if state.epoch < settings.epochs:
        batches = _batches(
            *(data, "train", strategy, settings.batch_size, kept.get("train")),
            seed=settings.seed,
            first_epoch=state.epoch,
        )
        # After every epoch, as it chooses the best weights; without gradients it costs little.
        size = _validation_size(strategy)
        validation = _batches(data, "validation", strategy, size, kept.get("validation"))
        # State and pictures take the weights while they are swapped.
        averages = [] if settings.ema_momentum is None else [keras.callbacks.SwapEMAWeights()]
        with plain_path(folder) as plain:
            model.fit(
                batches,
                validation_data=validation,
                steps_per_epoch=steps,
                validation_steps=_validation_steps(data, strategy),
                shuffle=False,
                initial_epoch=state.epoch,
                epochs=settings.epochs,
                verbose=(1 if sys.stdout.isatty() else 2) if writes else 0,
                callbacks=[
                    *callbacks,
                    state,
                    *(_logs(plain, network, data, settings) if writes else ()),
                    *averages,
                ],
            )
    network.set_weights(state.best_weights)


def _logs(
    folder: Path, network: keras.Model, data: MRIData, settings: TrainingSettings
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that show the course of training."""
    return [
        keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
        ImageLog(folder / "tensorboard" / "images", network, data, settings.epochs),
    ]


def _check_same_start(strategy: tf.distribute.Strategy, epoch: int) -> None:
    """Refuses workers that would go on from different states."""
    first, last = replicas.of_all_workers(strategy, epoch)
    if first != last:
        raise InputError(
            f"The workers would go on after different epochs ({first:g} to {last:g}): give them "
            "one --run-dir (in code run_dir) on a disk that they share."
        )


def compile_for_training(
    model: keras.Model,
    network: keras.Model,
    data: MRIData,
    settings: TrainingSettings,
    **compile_arguments: Any,
) -> int:
    """Compiles `model` as `train` does, with a built optimizer.

    Returns:
        Steps per epoch.
    """
    steps = data.num_batches("train", settings.batch_size)
    averaging: dict[str, Any] = {}
    if settings.ema_momentum is not None:
        averaging = {"use_ema": True, "ema_momentum": settings.ema_momentum}
    # Several steps at once are more than Keras can do where replicas share batches.
    together = steps if model.distribute_strategy.num_replicas_in_sync == 1 else 1
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate_schedule(settings, steps), **averaging),
        metrics=[SlicePSNR()],
        steps_per_execution=_steps_per_execution(together),
        **compile_arguments,
    )
    model.optimizer.build(network.trainable_variables)
    return steps


def _steps_per_execution(steps: int) -> int:
    """Returns the largest divisor of an epoch's steps up to 8: fewer returns to Python."""
    return max(count for count in range(1, 9) if steps % count == 0)


def _validation_size(strategy: tf.distribute.Strategy) -> int:
    """Returns the slices of a batch in validation, one or more for every replica."""
    return max(VALIDATION_BATCH_SIZE, strategy.num_replicas_in_sync)


def _validation_steps(data: MRIData, strategy: tf.distribute.Strategy) -> int | None:
    """Returns the steps of validation on batches without end; None where these have one."""
    if strategy.num_replicas_in_sync == 1:
        return None
    return data.num_batches("validation", _validation_size(strategy))


def _batches(
    data: MRIData,
    split: str,
    strategy: tf.distribute.Strategy,
    batch_size: int,
    teacher_outputs: TeacherOutputs | None,
    seed: int | None = None,
    first_epoch: int | None = None,
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Returns batches where they are computed on: of each replica, or on the GPU."""
    shared = strategy if strategy.num_replicas_in_sync > 1 else None
    batches = data.batches(
        *(split, batch_size, seed, first_epoch),
        teacher_outputs=teacher_outputs,
        strategy=shared,
    )
    return to_device(batches) if shared is None else batches


def to_device(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Lets batches wait in the memory of the GPU, where there is one."""
    for gpu in tf.config.list_logical_devices("GPU"):
        return batches.apply(tf.data.experimental.prefetch_to_device(gpu.name))
    return batches
