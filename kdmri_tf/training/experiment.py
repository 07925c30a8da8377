"""The stages of both papers on one data set and one mask, from a teacher to a distilled student."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from kdmri_tf.compute.replicas import is_chief
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.data.provenance import data_config
from kdmri_tf.distillation.friendly_settings import FriendlySettings
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.distillation.teacher_cache import MEMORY_BUDGET_BYTES
from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.files import make_folder
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import load_network
from kdmri_tf.training.distillation_stages import (
    check_method,
    check_teacher,
    check_weighting,
    train_distilled,
)
from kdmri_tf.training.initial_networks import (
    check_first_cascade,
    check_weights,
    is_name,
    new_network,
    start_from,
)
from kdmri_tf.training.run_folder import MODEL_FILE
from kdmri_tf.training.settings import TrainingSettings, check_averaging
from kdmri_tf.training.stage_config import warn_of_other_training
from kdmri_tf.training.stage_trainer import StageTrainer, fading
from kdmri_tf.training.trained_networks import finished_networks, trained_in_words
from kdmri_tf.training.validation import evaluate_validation


class Experiment:
    """Trains networks on one data set with one mask, each in its own stage of a run folder.

    Methods return trained float32 networks. A finished stage is loaded, an unfinished one
    continued; a network given as a `.keras` file is loaded and not trained.

    Args:
        data: to train and to validate on.
        run_dir: folder of the run.
        settings: of every stage.
        teacher_cache: whether the teacher's outputs are kept, instead of computed in every step.
        teacher_memory: bytes of them that may be kept in memory; more goes to the stage's folder,
            until the stage is finished.
        strategy: that networks are trained under; None for the one in force. Its workers make the
            same calls, but for `evaluate` and `export`, which are for the chief.

    Example:
        >>> import contextlib, io, tempfile
        >>> from pathlib import Path
        >>> import kdmri_tf
        >>> settings = kdmri_tf.TrainingSettings(epochs=1, batch_size=8, filters=4)
        >>> with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ...     source = {"source": "synthetic", "image_size": (32, 32), "data_dir": folder}
        ...     data = kdmri_tf.load_data("cardiac", acceleration=2, **source)
        ...     experiment = kdmri_tf.Experiment(data, Path(folder, "run"), settings)
        ...     teacher = experiment.teacher("D2C1")  # for experiment.distil(teacher, ...)
        >>> teacher.architecture
        'D2C1'
    """

    def __init__(
        self,
        data: MRIData,
        run_dir: Path | str,
        settings: TrainingSettings,
        teacher_cache: bool = True,
        teacher_memory: float = MEMORY_BUDGET_BYTES,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.data, self.run_dir = data, Path(run_dir)
        self.settings = settings = replace(settings, complex_images=data.complex_images)
        check_averaging(settings, data.num_batches("train", settings.batch_size))
        self._options = (teacher_cache, teacher_memory, strategy or tf.distribute.get_strategy())
        self._stages = StageTrainer(data, self.run_dir, settings, *self._options)
        self._has_given = False  # whether networks are evaluated that were not trained here
        make_folder(self.run_dir, "--run-dir; in code run_dir")

    @property
    def is_chief(self) -> bool:
        """Whether this process writes: the only one, or the first of several workers."""
        return is_chief(self._stages.strategy)

    def check(
        self,
        teacher_name: Path | str,
        student_name: Path | str,
        method: str = "at",
        start: Path | str | None = None,
        sft: bool = False,
        first_cascade: str | None = None,
        **friendly: Any,
    ) -> None:
        """Refuses networks that cannot be distilled, before anything is trained.

        Args:
            teacher_name: such as "D5C5", or `.keras` file.
            student_name: such as "D3C5", or `.keras` file.
            method: key of `FEATURE_LOSSES`, or "none" for imitation alone.
            start: `.keras` file of the weights that distillation starts from, or None.
            sft: whether a teacher is trained with branches of the student, too.
            first_cascade: of the student that starts from SFT, as for `load_weights`.
            friendly: its settings, as for `friendly_teacher`.

        Raises:
            InputError: an unreadable or impossible network, a method that cannot compare these, or
                settings of that teacher that contradict each other.
        """
        student = new_network(student_name, self.settings)
        is_made = sft or is_name(teacher_name)
        teacher = (
            new_network(teacher_name, self.settings) if is_made else load_network(teacher_name)
        )
        for network in (teacher, student):
            network.check_degradation(self.data.degradation)
        if start is not None:
            check_weights(student, start)
        check_first_cascade(student, first_cascade)
        check_method(method, teacher, student, self.settings.batch_size)
        if sft:
            chosen = FriendlySettings(**friendly)
            StudentFriendlyTeacher(teacher, student).compile(**chosen.compile_arguments)
            fading(chosen, self.settings.epochs)

    def teacher(self, name: Path | str = "D5C5") -> Network:
        """Trains the teacher on the mean absolute error, or loads it from a `.keras` file."""
        return self._alone("teacher", name)

    def student(self, name: Path | str = "D3C5") -> Network:
        """Trains the plain student that distillation is compared with, or loads it from a file."""
        return self._alone("student", name)

    def student_path(self, name: Path | str = "D3C5") -> Path:
        """Returns where the plain student's trained weights lie, or will: its `.keras` file."""
        if not is_name(name):
            return Path(name)
        architecture = new_network(name, self.settings).architecture
        return self.run_dir / f"student-{architecture}" / MODEL_FILE

    def friendly_teacher(
        self,
        teacher_name: Path | str = "D5C5",
        student_name: Path | str = "D3C5",
        **friendly: Any,
    ) -> tuple[Network, Path]:
        """Trains a teacher together with branches of its student: the first step of SFT-KD-Recon.

        Args:
            teacher_name: such as "D5C5", or `.keras` file of the architecture.
            student_name: the same for the student, with as many cascades.
            friendly: `FriendlySettings`, those that are not the defaults.

        Returns:
            (teacher, path of the student whose cascades from the second on were in the branches).

        Raises:
            InputError: as for `check`.
        """
        chosen = FriendlySettings(**friendly)
        fading(chosen, self.settings.epochs)
        teacher, student = (
            new_network(name, self.settings) for name in (teacher_name, student_name)
        )
        teacher.check_degradation(self.data.degradation)
        return self._stages.train_friendly(teacher, student, chosen)

    def distil(
        self,
        teacher: Network,
        student_name: Path | str = "D3C5",
        method: str = "at",
        *,
        start: Path | str | None = None,
        first_cascade: str | None = None,
        alpha: float = 0.5,
        joint: bool = False,
        feature_weight: float = 1.0,
        variant: str = "",
        last_variant: str = "",
    ) -> Network:
        """Distils a student from a trained teacher, in two steps or, if `joint`, in one.

        First on the features alone, then on alpha |x - x_S| + (1 - alpha) |x_T - x_S|; jointly on
        the sum of both, the features with their weight.

        Args:
            teacher: trained network.
            student_name: such as "D3C5", or `.keras` file of the architecture; its weights start
                anew.
            method: key of `FEATURE_LOSSES`, or "none" for imitation alone, in one step.
            start: `.keras` file of weights to start from instead.
            first_cascade: as for `load_weights`.
            alpha: weight of the target against the teacher, 0 to 1.
            joint: whether both steps are one.
            feature_weight: of the features, if `joint`.
            variant: ends the names of the stages, such as "-sft".
            last_variant: ends the name of the last stage after that, so that students which only
                differ in it, such as in alpha, share the first.

        Raises:
            InputError: as for `check`; a first cascade, alpha or weight that does not fit.
        """
        check_weighting(method, alpha, joint, feature_weight)
        network = new_network(student_name, self.settings)
        check_teacher(teacher)
        for party in (teacher, network):
            party.check_degradation(self.data.degradation)
        check_method(method, teacher, network, self.settings.batch_size)
        start_from(network, start, first_cascade)
        return train_distilled(
            *(self._stages, network, teacher, method),
            alpha=alpha,
            joint=joint,
            feature_weight=feature_weight,
            variant=variant,
            last_variant=last_variant,
        )

    def evaluate(
        self,
        networks: Mapping[str, Network],
        folder: Path | str | None = None,
        *,
        classical: bool = False,
    ) -> Evaluation:
        """Measures networks on the validation split and prints the table.

        Writes `evaluation.md`, `evaluation.csv` (a line per volume), `evaluation.json` and the
        figure `reconstructions.png`.

        Args:
            networks: name -> network; "teacher", "student" and "KD student" are compared.
            folder: where to write; by default the run folder.
            classical: adds CG-SENSE and L1-wavelet compressed sensing, of complex images.

        Raises:
            InputError: the folder cannot be written to; or as `classical_baselines`.
        """
        trained = "" if self._has_given else trained_in_words(self.run_dir)
        chosen = networks, self.data, Path(folder or self.run_dir), self.settings.batch_size
        return evaluate_validation(
            *chosen, classical=classical, trained=trained, run_dir=self.run_dir
        )

    def export(self) -> None:
        """Exports the network of the last stage to `saved_model` in the run folder.

        Raises:
            InputError: this object has trained or loaded no stage.
        """
        self._stages.export()

    def with_seed(self, seed: int) -> "Experiment":
        """Returns the same experiment with another seed, in a run folder within this one."""
        if seed == self.settings.seed:
            return self
        return self.with_settings(replace(self.settings, seed=seed), f"seed{seed}")

    def with_settings(self, settings: TrainingSettings, name: str) -> "Experiment":
        """Returns the same experiment with other settings, in the folder of that name in this."""
        return Experiment(self.data, self.run_dir / name, settings, *self._options)

    def given(
        self, name: str, path: Path | str, settings: TrainingSettings | None = None
    ) -> Network:
        """Loads a trained network; warns if it is known to be for other images.

        Args:
            name: of the network, for the warning.
            path: of the `.keras` file.
            settings: that it must have been trained with, or the warning says so; None for any.

        Raises:
            InputError: an unreadable file.
        """
        network = load_network(path)
        self._has_given = True
        warn_of_other_training(name, path, self.data, settings)
        return network

    def finished(self) -> dict[str, Network]:
        """Loads the networks that this run folder holds, see `finished_networks`."""
        return finished_networks(self.run_dir, data_config(self.data))

    def _alone(self, role: str, name: Path | str) -> Network:
        """Trains or loads a network without a teacher."""
        if not is_name(name):
            return self.given(role, name, self.settings if role == "student" else None)
        network = new_network(name, self.settings)
        network.check_degradation(self.data.degradation)
        return self._stages.train(f"{role}-{network.architecture}", network, loss="mae")
