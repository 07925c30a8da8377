"""The stages of both papers on one data set and one mask, from a teacher to a distilled student."""

from dataclasses import replace
from pathlib import Path

from kdmri_tf.compute.bfloat16_speed import report_slow_bfloat16
from kdmri_tf.data.data_config import data_config, data_facts
from kdmri_tf.distillation.branch_fading import BranchFading
from kdmri_tf.distillation.distiller import Distiller
from kdmri_tf.distillation.feature_losses import feature_loss
from kdmri_tf.distillation.friendly_settings import FriendlySettings
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.distillation.teacher_cache import MEMORY_BUDGET_BYTES, cache_teacher
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.evaluate import evaluate
from kdmri_tf.evaluation.figures import reconstruction_figure
from kdmri_tf.export.check_samples import prepared_samples
from kdmri_tf.export.export_trained import export_trained
from kdmri_tf.files import make_folder
from kdmri_tf.networks.saved import load_network, weights_digest
from kdmri_tf.training.fit import train
from kdmri_tf.training.initial_networks import (
    check_weights,
    copy_for_training,
    is_name,
    load_weights,
    new_network,
)
from kdmri_tf.training.run_folder import MODEL_FILE, open_stage
from kdmri_tf.training.stage_config import stage_config, warn_of_differences
from kdmri_tf.training.trained_networks import finished_networks

# The student that a student-friendly teacher was trained with, beside it in its stage.
SFT_STUDENT = "student.keras"

# NIfTI's y axis runs from the back of the head to the front, so its first row belongs below.
SOURCES_STORED_UPSIDE_DOWN = ("mrbrains13", "mrbrains18")


class Experiment:
    """Trains networks on one data set under one mask, each in its own stage of a run folder.

    `teacher`, `student`, `friendly_teacher` and `distil` give trained float32 networks. A finished
    stage is loaded, an unfinished one continued; a network given as a `.keras` file is loaded and
    not trained.

    Args:
        data: `MRIData`.
        run_dir: folder of the run.
        settings: `TrainingSettings` of every stage.
        teacher_cache: keep the teacher's outputs instead of computing them in every step.
        teacher_memory: bytes of them that may be kept in memory; more goes to the stage's folder,
            until the stage is finished.
    """

    def __init__(
        self,
        data,
        run_dir,
        settings,
        teacher_cache=True,
        teacher_memory=MEMORY_BUDGET_BYTES,
    ):
        self.data = data
        self.run_dir = Path(run_dir)
        self.settings = settings
        self.teacher_cache = teacher_cache
        self.teacher_memory = teacher_memory
        self._last_stage = None
        make_folder(self.run_dir, "--run-dir")

    def check(self, teacher, student, method="at", start=None, sft=False, **friendly):
        """Refuses networks that cannot be distilled, before anything is trained.

        Args:
            teacher: name or `.keras` file.
            student: name or `.keras` file.
            method: key of `FEATURE_LOSSES`, or "none" for imitation alone.
            start: `.keras` file of the weights that distillation starts from, or None.
            sft: whether a teacher is trained with branches of the student, too.
            friendly: its settings, as for `friendly_teacher`.

        Raises:
            InputError: an unreadable or impossible network, a method that cannot compare these, or
                settings of that teacher that contradict each other.
        """
        student = new_network(student, self.settings)
        is_trained_here = sft or is_name(teacher)
        teacher = new_network(teacher, self.settings) if is_trained_here else load_network(teacher)
        for network in (teacher, student):
            network.check_degradation(self.data.degradation)
        if start is not None:
            check_weights(student, start)
        self._check_method(method, teacher, student)
        if sft:
            chosen = FriendlySettings(**friendly)
            StudentFriendlyTeacher(teacher, student).compile(**chosen.compile_arguments)
            self._fading(chosen)

    def teacher(self, network="D5C5"):
        """The teacher: trained on the mean absolute error, or loaded."""
        return self._plain("teacher", network)

    def student(self, network="D3C5"):
        """The plain student that distillation is compared with."""
        return self._plain("student", network)

    def student_path(self, network="D3C5"):
        """Where the plain student's trained weights lie, or will: its `.keras` file."""
        if not is_name(network):
            return Path(network)
        architecture = new_network(network, self.settings).architecture
        return self.run_dir / f"student-{architecture}" / MODEL_FILE

    def friendly_teacher(self, teacher="D5C5", student="D3C5", **friendly):
        """SFT-KD-Recon's first step: a teacher trained together with branches of its student.

        Args:
            teacher: name, or `.keras` file, of the architecture.
            student: the same of the student, with as many cascades.
            friendly: `FriendlySettings`, those that are not the defaults.

        Returns:
            (teacher, path of the student whose cascades from the second on were in the branches).
        """
        chosen = FriendlySettings(**friendly)
        callbacks = self._fading(chosen)
        teacher, student = (new_network(name, self.settings) for name in (teacher, student))
        teacher.check_degradation(self.data.degradation)
        joint = StudentFriendlyTeacher(teacher, student)
        name = f"sft-{teacher.architecture}-{student.architecture}"
        stage = self._open(name, joint, chosen.config)
        if not stage.is_finished:
            with stage.training():
                train(
                    *(joint, joint, self.data, stage.folder, self.settings),
                    **{"callbacks": callbacks, **chosen.compile_arguments},
                )
                stage.save(student, SFT_STUDENT)
                stage.finish(teacher)
        return load_network(stage.model_path), stage.folder / SFT_STUDENT

    def distil(
        self,
        teacher,
        student="D3C5",
        method="at",
        *,
        start=None,
        first_cascade=None,
        alpha=0.5,
        joint=False,
        feature_weight=1.0,
        variant="",
        last_variant="",
    ):
        """A student distilled from a trained teacher, in two steps or, if `joint`, in one.

        First on the features alone, then on alpha |x - x_S| + (1 - alpha) |x_T - x_S|; jointly on
        the sum of both, the features with their weight.

        Args:
            teacher: trained network.
            student: name, or `.keras` file, of the architecture; its weights start anew.
            method: key of `FEATURE_LOSSES`, or "none" for imitation alone, in one step.
            start: `.keras` file of weights to start from instead.
            first_cascade: as for `load_weights`.
            alpha: weight of the target against the teacher, 0 to 1.
            joint: both steps in one.
            feature_weight: of the features, if `joint`.
            variant: ends the names of the stages, such as "-sft".
            last_variant: ends the name of the last stage after that, so that students which differ
                in it alone, such as in alpha, share the first.

        Raises:
            InputError: as for `check`; a first cascade, alpha or weight that does not fit.
        """
        if not 0 <= alpha <= 1:
            raise InputError(f"alpha must lie between 0 and 1; got {alpha}.")
        if feature_weight != 1 and not joint:
            raise InputError(
                f"feature_weight {feature_weight:g} weighs features against images, which have "
                "stages of their own unless joint=True."
            )
        network = new_network(student, self.settings)
        if first_cascade is not None and start is None:
            raise InputError(
                f"first_cascade={first_cascade!r} is of a student that starts from SFT: give start."
            )
        for party in (teacher, network):
            party.check_degradation(self.data.degradation)
        self._check_method(method, teacher, network)
        if start is not None:
            load_weights(network, start, first_cascade)
        name = f"{method}-{network.architecture}{variant}"
        last = f"{name}{last_variant}"
        mixture = {"imitation_weight": 1 - alpha, "reconstruction_weight": alpha}
        if method == "none":
            return self._distilled(f"kd-{last}", network, teacher, **mixture)
        loss = {"feature_loss": feature_loss(method)}
        if joint:
            weights = {**mixture, "feature_weight": feature_weight}
            return self._distilled(f"joint-{last}", network, teacher, **loss, **weights)
        alone = {"feature_weight": 1.0, "imitation_weight": 0.0, "reconstruction_weight": 0.0}
        similar = self._distilled(name, network, teacher, **loss, **alone)
        network = copy_for_training(similar, self.settings)
        return self._distilled(f"kd-{last}", network, teacher, **mixture)

    def evaluate(self, networks, folder=None):
        """Measures networks on the validation split and prints the table.

        Writes `evaluation.md`, `evaluation.csv` (a line a volume), `evaluation.json` and the figure
        `reconstructions.png`.

        Args:
            networks: name -> network; "teacher", "student" and "KD student" are compared.
            folder: where to write; by default the run folder.

        Returns:
            `Evaluation`.

        Raises:
            InputError: the folder cannot be written to.
        """
        folder = Path(folder or self.run_dir)
        make_folder(folder, "--run-dir")
        evaluation = evaluate(
            networks,
            self.data.volumes("validation"),
            self.data.degradation,
            self.settings.batch_size,
            dataset=self.data.dataset,
            source=self.data.source,
            acceleration=self.data.acceleration_label,
            patients=self.data.patients("validation"),
        )
        table = evaluation.write(folder)
        figure = folder / "reconstructions.png"
        upside_down = self.data.source in SOURCES_STORED_UPSIDE_DOWN
        reconstruction_figure(evaluation.figure_slices, figure, evaluation.title, flip=upside_down)
        print(f"\n{table}\nTable, values and figure: {folder}/evaluation.*, {figure}")
        return evaluation

    def export(self):
        """Exports the network of the last stage to `saved_model` in the run folder.

        Raises:
            InputError: this object has trained or taken up no stage.
        """
        if self._last_stage is None:
            raise InputError(
                f"Nothing was trained in {self.run_dir}: use train/export.py or "
                "kdmri_tf.export_network for a network of your own."
            )
        samples = prepared_samples(self.data.builder, self.data.degradation)
        export_trained(self._last_stage.model_path, self.run_dir / "saved_model", samples=samples)

    def with_seed(self, seed):
        """The same experiment with another seed, in a run folder within this one."""
        if seed == self.settings.seed:
            return self
        settings, folder = replace(self.settings, seed=seed), self.run_dir / f"seed{seed}"
        return Experiment(self.data, folder, settings, self.teacher_cache, self.teacher_memory)

    def given(self, name, path, settings=None):
        """A trained network from a `.keras` file; warns if it is known to be of other images.

        Args:
            name: of the network, for the warning.
            path: of the file.
            settings: `TrainingSettings` that it must have been trained with, or the warning says
                so; None for any.

        Raises:
            InputError: an unreadable file.
        """
        network = load_network(path)
        warn_of_differences(name, path, self.data, settings)
        return network

    def finished(self):
        """The networks that this run folder holds, see `finished_networks`."""
        return finished_networks(self.run_dir, data_config(self.data))

    def _fading(self, friendly):
        """The callbacks of joint training with these `FriendlySettings`."""
        return [BranchFading(self.settings.epochs)] if friendly.fade_branches else []

    def _plain(self, role, network):
        if not is_name(network):
            return self.given(role, network, self.settings if role == "student" else None)
        network = new_network(network, self.settings)
        network.check_degradation(self.data.degradation)
        return self._train(f"{role}-{network.architecture}", network, loss="mae")

    def _distilled(self, name, student, teacher, **losses):
        """One stage of distillation, from the weights that the student has."""
        return self._train(name, student, teacher, weights_digest(student), **losses)

    def _train(self, name, network, teacher=None, start=None, **losses):
        """One stage: the network trained, alone or under a teacher, and loaded again."""
        weights = {key: value for key, value in losses.items() if key.endswith("_weight")}
        stage = self._open(name, network, weights, teacher, start)
        if not stage.is_finished:
            with stage.training():
                model, cached = network, None
                if teacher is not None:
                    model, cached = self._distiller(stage, network, teacher, losses)
                train(model, network, self.data, stage.folder, self.settings, cached, **losses)
                stage.finish(network)
        return load_network(stage.model_path)

    def _open(self, name, network, weights, teacher=None, start=None):
        """The `Stage` of that name, made or taken up."""
        config = stage_config(name, network, self.data, self.settings, weights, teacher, start)
        stage = self._last_stage = open_stage(self.run_dir, name, config, data_facts(self.data))
        done = "finished earlier" if stage.is_finished else f"{self.settings.epochs} epochs"
        print(f"\n== {name}: {network.count_params():,} parameters, {done} ==", flush=True)
        if not stage.is_finished and self.settings.precision == "mixed_bfloat16":
            report_slow_bfloat16()
        return stage

    def _check_method(self, method, teacher, student):
        """Refuses a method that cannot compare these networks."""
        if method != "none":
            feature_loss(method).check_networks(teacher, student, self.settings.batch_size)

    def _distiller(self, stage, student, teacher, losses):
        """The distiller, and what it needs of the teacher if that is kept."""
        teacher = copy_for_training(teacher, self.settings)
        cached = None
        if self.teacher_cache:
            cached = cache_teacher(
                *(teacher, self.data, losses.get("feature_loss")),
                images=losses["imitation_weight"] > 0,
                folder=stage.teacher_cache,
                memory_budget=self.teacher_memory,
            )
        return Distiller(student, teacher), cached
