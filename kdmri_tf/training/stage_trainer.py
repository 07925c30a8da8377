"""Trains stages: opens their folders, fits, and loads what came out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.compute import replicas
from kdmri_tf.compute.bfloat16_speed import report_slow_bfloat16
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.data.provenance import data_facts
from kdmri_tf.distillation.branch_fading import BranchFading
from kdmri_tf.distillation.distiller import Distiller
from kdmri_tf.distillation.friendly_settings import FriendlySettings
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.distillation.teacher_cache import cache_teacher
from kdmri_tf.distillation.teacher_outputs import TeacherOutputs
from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import prepared_samples
from kdmri_tf.export.export_trained import export_trained
from kdmri_tf.networks.network import Network
from kdmri_tf.training.fit import train
from kdmri_tf.training.initial_networks import copy_for_training
from kdmri_tf.training.run_folder import SFT_STUDENT, Stage, open_stage
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.training.stage_config import stage_config
from kdmri_tf.training.stage_differences import check_config


class StageTrainer:
    """Trains networks, each in its own stage of a run folder.

    A finished stage is loaded, an unfinished one continued.

    Args:
        data: to train on.
        run_dir: folder of the run.
        settings: of every stage.
        teacher_cache: whether the teacher's outputs are kept, instead of computed in every step.
        teacher_memory: bytes of them that may be kept in memory; more goes to the stage's folder,
            until the stage is finished.
        strategy: that networks are trained under.

    Attributes:
        settings: as given.
        last_stage: the one that was trained or loaded; None before the first.
    """

    def __init__(
        self,
        data: MRIData,
        run_dir: Path,
        settings: TrainingSettings,
        teacher_cache: bool,
        teacher_memory: float,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.settings = settings
        self.strategy = strategy
        self.last_stage: Stage | None = None
        self._data = data
        self._run_dir = run_dir
        self._teacher_cache = teacher_cache
        self._teacher_memory = teacher_memory

    def train(
        self,
        name: str,
        network: Network,
        teacher: Network | None = None,
        initial_digest: str | None = None,
        **losses: Any,
    ) -> Network:
        """Trains a network, alone or with a teacher, and loads it again.

        Args:
            name: of the stage.
            network: with the weights to start from.
            teacher: trained network, or None.
            initial_digest: of the weights to start from, where these are not the seed's own.
            losses: for `compile` of the network or of its `Distiller`.

        Returns:
            The trained network, float32.

        Raises:
            InputError: as for `open_stage` and `fit.train`.
        """
        # Configurations keep the name that this weight had when the first of them were written.
        names = {"student_loss_weight": "reconstruction_weight"}
        weights = {names.get(k, k): v for k, v in losses.items() if k.endswith("_weight")}
        stage = self._open(name, network, weights, teacher, initial_digest)
        if not stage.is_finished:
            with self._training(stage):
                outputs = None
                if teacher is not None:
                    outputs = self._teacher_outputs(stage, network, teacher, losses)
                with self.strategy.scope():
                    model = network = self._placed(network)
                    if teacher is not None:
                        model = Distiller(copy_for_training(teacher, self.settings), network)
                    train(
                        *(model, network, self._data, stage.folder, self.settings, outputs),
                        **losses,
                    )
                self._finish(stage, network)
        return stage.load()

    def train_friendly(
        self, teacher: Network, student: Network, friendly: FriendlySettings
    ) -> tuple[Network, Path]:
        """Trains a teacher together with branches of its student.

        Args:
            teacher, student: with the weights to start from.
            friendly: weights of the losses and who feels them.

        Returns:
            (teacher, path of the student whose cascades from the second on were in the branches).

        Raises:
            InputError: as for `train`, or settings that contradict the number of epochs.
        """
        callbacks = fading(friendly, self.settings.epochs)
        with self.strategy.scope():
            joint = StudentFriendlyTeacher(self._placed(teacher), self._placed(student))
        name = f"sft-{teacher.architecture}-{student.architecture}"
        stage = self._open(name, joint, friendly.config)
        if not stage.is_finished:
            with self._training(stage):
                with self.strategy.scope():
                    train(
                        *(joint, joint, self._data, stage.folder, self.settings),
                        callbacks=callbacks,
                        **friendly.compile_arguments,
                    )
                self._finish(stage, joint.teacher, joint.student)
        return stage.load(), stage.folder / SFT_STUDENT

    def export(self) -> None:
        """Exports the network of the last stage to `saved_model` in the run folder.

        Raises:
            InputError: no stage was trained or loaded.
        """
        if self.last_stage is None:
            raise InputError(
                f"Nothing was trained in {self._run_dir}: for a network of your own, use kdmri "
                "export or kdmri_tf.export_network."
            )
        samples = prepared_samples(self._data.builder, self._data.degradation)
        target = self._run_dir / "saved_model"
        export_trained(self.last_stage.model_path, target, samples=samples)

    def _open(
        self,
        name: str,
        network: keras.Model,
        weights: Mapping[str, Any],
        teacher: Network | None = None,
        initial_digest: str | None = None,
    ) -> Stage:
        """Makes the stage of that name, or takes it up."""
        config = stage_config(
            *(name, network, self._data, self.settings, weights, teacher, initial_digest)
        )
        is_chief, chosen = replicas.is_chief(self.strategy), (self._run_dir, name, config)
        if is_chief:
            stage = open_stage(*chosen, data_facts(self._data))
        replicas.of_all_workers(self.strategy, 0)  # now it is there
        if not is_chief:
            stage = open_stage(*chosen, writes=False)
        self.last_stage = stage
        epochs = self.settings.epochs
        done = "finished earlier" if stage.is_finished else f"{epochs} epoch{'s' * (epochs > 1)}"
        print(f"\n== {name}: {network.count_params():,} parameters, {done} ==", flush=True)
        if not stage.is_finished and self.settings.precision == "mixed_bfloat16":
            report_slow_bfloat16()
        return stage

    def _teacher_outputs(
        self, stage: Stage, student: Network, teacher: Network, losses: Mapping[str, Any]
    ) -> Mapping[str, TeacherOutputs] | None:
        """Returns the teacher's outputs if they are kept, of every worker by itself."""
        if not self._teacher_cache:
            return None
        folder = stage.teacher_outputs
        if not replicas.is_chief(self.strategy):
            folder = folder / f"worker{replicas.worker_number(self.strategy)}"
        return cache_teacher(
            *(copy_for_training(teacher, self.settings), self._data, losses.get("feature_loss")),
            images=losses["imitation_weight"] > 0,
            folder=folder,
            memory_budget=self._teacher_memory,
            student=student,
        )

    def _placed(self, network: Network) -> Network:
        """Returns the network with its weights on all replicas, in the scope of the strategy."""
        return (
            copy_for_training(network, self.settings) if tf.distribute.has_strategy() else network
        )

    @contextmanager
    def _training(self, stage: Stage) -> Iterator[None]:
        """Keeps other processes from training the stage, but for the other workers."""
        if replicas.is_chief(self.strategy):
            with stage.training():
                # Another process may have opened the stage anew before this one locked it.
                check_config(stage.folder, stage.config, entirely=True)
                yield
        else:
            yield

    def _finish(self, stage: Stage, network: Network, student: Network | None = None) -> None:
        """Saves what was trained, while the other workers wait."""
        if replicas.is_chief(self.strategy):
            if student is not None:
                stage.save(student, SFT_STUDENT)
            stage.finish(network)
        replicas.of_all_workers(self.strategy, 0)


def fading(friendly: FriendlySettings, epochs: int) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of joint training with these settings.

    Raises:
        InputError: branches are to fade over too few epochs.
    """
    return [BranchFading(epochs)] if friendly.fade_branches else []
