"""The stages of KD-MRI on one data set and one mask, from a teacher to a distilled student."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import keras

from kdmri_tf.distill import Distiller
from kdmri_tf.errors import InputError
from kdmri_tf.evaluate import evaluate
from kdmri_tf.figures import reconstruction_figure
from kdmri_tf.losses import AttentionTransfer
from kdmri_tf.models import DCCNN
from kdmri_tf.precision import report_slow_bfloat16
from kdmri_tf.runs import (
    check_config,
    export_trained,
    load_network,
    open_stage,
    weights_digest,
)
from kdmri_tf.teacher_cache import MEMORY_BUDGET_BYTES, cache_teacher
from kdmri_tf.training import train

# Folder name of a stage -> the name under which its network is evaluated.
ROLES = {"teacher": "teacher", "student": "student", "kd": "KD student"}

# NIfTI's y axis runs from the back of the head to the front, so its first row belongs below.
SOURCES_STORED_UPSIDE_DOWN = ("mrbrains13", "mrbrains18")


class Experiment:
    """Trains networks on one data set under one mask, each in its own stage of a run folder.

    Every method returns a trained float32 `DCCNN`. A finished stage is loaded, an unfinished one
    continued; a network given as a `.keras` file is loaded and not trained.

    Args:
        data: `MRIData`.
        run_dir: folder of the run.
        settings: `TrainingSettings` of every stage.
        teacher_cache: keep the teacher's outputs instead of computing them in every step.
        teacher_memory: bytes of them that may be kept in memory; more goes to the run folder.
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
        try:
            self.run_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The run folder {run_dir} cannot be made ({error.strerror}); give another."
            ) from error

    def check(self, teacher, student, start=None):
        """Refuses networks that cannot be distilled, before anything is trained.

        Args:
            teacher: name or `.keras` file.
            student: name or `.keras` file.
            start: `.keras` file of the weights that distillation starts from, or None.

        Raises:
            InputError: an unreadable or impossible network, or other numbers of cascades.
        """
        teacher, student = self._new(teacher), self._new(student)
        if teacher.num_cascades != student.num_cascades:
            raise InputError(
                f"The teacher {teacher.architecture} and the student {student.architecture} differ "
                "in their number of cascades; attention transfer pairs them one by one."
            )
        if start is not None:
            _set_weights(student, start)

    def teacher(self, network="D5C5"):
        """The teacher: trained on the mean absolute error, or loaded."""
        return self._plain("teacher", network)

    def student(self, network="D3C5"):
        """The plain student that distillation is compared with."""
        return self._plain("student", network)

    def attention(self, teacher, student="D3C5", start=None):
        """KD-MRI's second step: a student trained on attention transfer alone.

        Args:
            teacher: trained network.
            student: name, or `.keras` file, of the architecture; its weights start anew.
            start: `.keras` file of weights to start from instead.
        """
        network = self._new(student)
        if start is not None:
            _set_weights(network, start)
        return self._train(
            f"attention-{network.architecture}",
            network,
            teacher,
            start=None if start is None else weights_digest(network),
            feature_loss=AttentionTransfer(),
            feature_weight=1.0,
            imitation_weight=0.0,
            reconstruction_weight=0.0,
        )

    def distilled(self, teacher, student, alpha=0.5):
        """KD-MRI's third step: alpha |x - x_S| + (1 - alpha) |x_T - x_S|.

        Args:
            teacher: trained network.
            student: the network to start from, usually that of the attention step.
            alpha: weight of the target against the teacher, 0 to 1.
        """
        if not 0 <= alpha <= 1:
            raise InputError(f"alpha must lie between 0 and 1; got {alpha}.")
        student = self._copy(student)
        return self._train(
            f"kd-{student.architecture}",
            student,
            teacher,
            start=weights_digest(student),
            imitation_weight=1 - alpha,
            reconstruction_weight=alpha,
        )

    def evaluate(self, networks, folder=None):
        """Measures networks on the validation split and prints the table.

        Writes `evaluation.md`, `evaluation.csv` (a line a volume), `evaluation.json` and the figure
        `reconstructions.png`.

        Args:
            networks: name -> network; "teacher", "student" and "KD student" are compared.
            folder: where to write; by default the run folder.

        Returns:
            `Evaluation`.
        """
        evaluation = evaluate(
            networks,
            self.data.volumes("validation"),
            self.data.mask,
            self.settings.batch_size,
            dataset=self.data.dataset,
            source=self.data.source,
            acceleration=self.data.acceleration_label,
        )
        folder = Path(folder or self.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        table = evaluation.to_markdown()
        (folder / "evaluation.md").write_text(table, encoding="utf-8")
        evaluation.to_csv(folder / "evaluation.csv")
        evaluation.to_json(folder / "evaluation.json")
        figure = folder / "reconstructions.png"
        upside_down = self.data.source in SOURCES_STORED_UPSIDE_DOWN
        reconstruction_figure(evaluation.figure_slices, figure, evaluation.title, flip=upside_down)
        print(f"\n{table}\nTable, values and figure: {folder}/evaluation.*, {figure}")
        return evaluation

    def export(self, distilled):
        """Exports the distilled student to `saved_model` in the run folder."""
        stage = self.run_dir / f"kd-{distilled.architecture}"
        export_trained(stage / "model.keras", self.run_dir / "saved_model")

    def finished(self):
        """The networks that this run folder holds: name, such as "teacher", -> network.

        Raises:
            InputError: one was trained on other data or under another mask.
        """
        networks = {}
        for role, name in ROLES.items():
            for path in sorted(self.run_dir.glob(f"{role}-*/model.keras")):
                check_config(path.parent, self._data_config())
                networks[name if name not in networks else path.parent.name] = load_network(path)
        return networks

    def _plain(self, role, network):
        if not is_name(network):
            return load_network(network)
        network = self._new(network)
        return self._train(f"{role}-{network.architecture}", network, loss="mae")

    def _new(self, network):
        """A network of that name, or of that file's architecture, with seeded initial weights."""
        keras.utils.set_random_seed(self.settings.seed)
        if is_name(network):
            return DCCNN.from_name(
                network,
                residual=self.settings.residual,
                filters=self.settings.filters,
                consistency_form=self.settings.consistency_form,
                dtype=self.settings.precision,
            )
        return self._untrained(load_network(network))

    def _copy(self, network):
        """The same network in the precision of the settings, to be trained further."""
        copy = self._untrained(network)
        copy.set_weights(network.get_weights())
        return copy

    def _untrained(self, network):
        changes = {
            "dtype": self.settings.precision,
            "consistency_form": self.settings.consistency_form,
            "trainable": True,
        }
        return DCCNN.from_config({**network.get_config(), **changes})

    def _data_config(self):
        """What a result depends on of data and mask."""
        return {
            "dataset": self.data.dataset,
            "source": self.data.source,
            "image_size": self.data.image_size,
            "data_sha256": self.data.fingerprint,
            "acceleration": round(self.data.acceleration, 4),
            "mask": self.data.mask_origin,
            "mask_sha256": hashlib.sha256(self.data.mask.tobytes()).hexdigest(),
        }

    def _variation_config(self):
        """What the training slices alone depend on; None where they are the same every epoch."""
        variation = self.data.variation
        if variation is None:
            return {"augment": None, "random_masks": None}
        return {"augment": variation.augment_name, "random_masks": variation.masks is not None}

    def _train(self, name, network, teacher=None, start=None, **losses):
        weights = {key: value for key, value in losses.items() if key.endswith("_weight")}
        config = {
            "stage": name,
            **self._data_config(),
            "teacher_sha256": None if teacher is None else weights_digest(teacher),
            "start_sha256": start,
            **self._variation_config(),
            **weights,
            **asdict(self.settings),
        }
        stage = open_stage(self.run_dir, name, config)
        done = "finished earlier" if stage.is_finished else f"{self.settings.epochs} epochs"
        print(f"\n== {name}: {network.count_params():,} parameters, {done} ==", flush=True)
        if not stage.is_finished:
            if self.settings.precision == "mixed_bfloat16":
                report_slow_bfloat16()
            model, cached = network, None
            if teacher is not None:
                model, cached = self._distiller(network, teacher, losses)
            train(model, network, self.data, stage.folder, self.settings, cached, **losses)
            stage.finish(network)
        return load_network(stage.model_path)

    def _distiller(self, student, teacher, losses):
        """The distiller, and what it needs of the teacher if that is kept."""
        teacher = self._copy(teacher)
        cached = None
        if self.teacher_cache:
            cached = cache_teacher(
                teacher,
                self.data,
                losses.get("feature_loss"),
                images=losses["imitation_weight"] > 0,
                folder=self.run_dir / "teacher-cache",
                memory_budget=self.teacher_memory,
            )
        return Distiller(student, teacher), cached


def _set_weights(network, start):
    """Gives a network the weights of a `.keras` file of the same architecture."""
    loaded = load_network(start)
    shapes = [weight.shape for weight in network.weights]
    if [weight.shape for weight in loaded.weights] != shapes or loaded.residual != network.residual:
        raise InputError(
            f"{start} holds a {loaded.architecture} with {loaded.filters} filters and residual "
            f"{loaded.residual}, but the student is a {network.architecture} with "
            f"{network.filters} filters and residual {network.residual}."
        )
    network.set_weights(loaded.get_weights())


def is_name(network):
    """Whether this is a network's name such as "D3C5", rather than a `.keras` file."""
    return not str(network).endswith(".keras")
