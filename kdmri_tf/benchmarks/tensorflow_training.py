"""The training benchmark's TensorFlow contender: the training of `kdmri_tf` itself.

A process of its own, `python -m kdmri_tf.benchmarks.tensorflow_training`, whose task has the
arguments of `Training`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from kdmri_tf.benchmarks.contender import Task, Work, take_part
from kdmri_tf.compute.allocator import keep_memory
from kdmri_tf.compute.parallel import divide_cores
from kdmri_tf.data.loading import load_data
from kdmri_tf.distillation.distiller import Distiller
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES, feature_loss
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.distillation.teacher_cache import cache_teacher
from kdmri_tf.networks.dccnn import DCCNN
from kdmri_tf.training.fit import compile_for_training, to_device
from kdmri_tf.training.settings import TrainingSettings

TEACHER, STUDENT = "D5C5", "D3C5"

# What the stages of `Experiment` compile with: the first stage of each method on features alone.
FEATURES_ALONE = {"feature_weight": 1.0, "imitation_weight": 0.0, "student_loss_weight": 0.0}
LOSSES: dict[str, dict[str, Any]] = {
    "teacher": {"loss": "mae"},
    "sft": {},
    "student": {"loss": "mae"},
    **{
        "attention" if method == "at" else method: {
            "feature_loss": feature_loss(method),
            **FEATURES_ALONE,
        }
        for method in FEATURE_LOSSES
    },
    "distillation": {"imitation_weight": 0.5, "student_loss_weight": 0.5},
}


class Training:
    """Trains one stage, set up as `Experiment` does, on synthetic slices and from random weights.

    Args:
        stage: a key of `LOSSES`.
        dataset: anatomy.
        image_size: (H, W).
        batch_size: slices per step.
        data_dir: folder of the prepared data set.
        many_steps: whether an execution has as many steps as in `train`, instead of one.
        consistency_form: of data consistency.
        teacher_cache: whether the teacher's outputs are computed once, instead of in every step.
        precision: of the convolutions.
        side_by_side: whether the cores are divided among the slices of a batch.
        keeps_memory: whether freed memory stays with the process, see `keep_memory`.
        coils: of simulated scans, for networks of complex images; None for magnitude images. Every
            epoch has other scans, so that their teacher runs in every step.

    Attributes:
        network: the model whose weights are trained.
    """

    def __init__(
        self,
        stage: str,
        dataset: str,
        image_size: Sequence[int],
        batch_size: int,
        data_dir: Path | str | None = None,
        many_steps: bool = False,
        consistency_form: str = "fft",
        teacher_cache: bool = False,
        precision: str = "float32",
        side_by_side: bool = False,
        keeps_memory: bool = False,
        coils: int | None = None,
    ) -> None:
        if keeps_memory:
            keep_memory()
        if side_by_side:
            divide_cores(batch_size)
        data = load_data(
            dataset, source="synthetic", data_dir=data_dir, image_size=image_size, coils=coils
        )
        settings = TrainingSettings(
            batch_size=batch_size, precision=precision, consistency_form=consistency_form
        )
        keras.utils.set_random_seed(settings.seed)
        networks: dict[str, Any] = {"consistency_form": consistency_form, "dtype": precision}
        networks["complex_images"] = data.complex_images
        losses = LOSSES[stage]
        teacher, student = (DCCNN.from_name(name, **networks) for name in (TEACHER, STUDENT))
        model: keras.Model = teacher if stage == "teacher" else student
        cached = None
        if stage == "sft":
            model = StudentFriendlyTeacher(teacher, student)
        self.network: keras.Model = model
        if "imitation_weight" in losses:
            model = Distiller(teacher, student)
            if teacher_cache and coils is None:
                images = losses["imitation_weight"] > 0
                cached = cache_teacher(teacher, data, losses.get("feature_loss"), images)
        self._steps_per_epoch = compile_for_training(model, self.network, data, settings, **losses)
        if not many_steps:
            model.steps_per_execution = 1
        model.make_train_function()
        batches = data.batches(
            "train", batch_size, settings.seed, 0, None if cached is None else cached["train"]
        )
        self._iterator = iter(to_device(batches))
        self._model = model
        self._batch_size = batch_size
        self._num_slices = data.num_slices["train"]
        self._steps = 0

    def run(self, executions: int) -> int:
        """Trains, and returns the number of slices trained on."""
        before = self._slices()
        for _ in range(executions):
            logs = self._model.train_function(self._iterator)
        logs["loss"].numpy()  # waits for a GPU as well
        self._steps += executions * self._model.steps_per_execution
        return self._slices() - before

    def _slices(self) -> int:
        """Counts the slices so far; the last batch of an epoch may be smaller."""
        epochs, steps = divmod(self._steps, self._steps_per_epoch)
        return epochs * self._num_slices + min(steps * self._batch_size, self._num_slices)


def prepare(task: Task) -> Work:
    """Sets the stage up."""
    return Training(**task).run


if __name__ == "__main__":
    take_part(prepare)
