"""The networks of a comparison: each is a stage of its experiment, trained when it is asked for."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kdmri_tf.networks.network import Network
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.trained_networks import LONGER


@dataclass(frozen=True, eq=False)
class Row:
    """Names one network of a comparison and what it is compared with.

    Attributes:
        name: of the row.
        network: the trained network.
        teacher: name of the row that taught it, or None.
        baseline: name of the row that shows what the same student is without a teacher, or None.
        control: name of the row of the same student alone, trained for as many epochs, or None.
        counterpart: name of the row of the same student without SFT, or None.
        equal_counterpart: name of the row of the same student without SFT, but with as many epochs
            in all, or None.
    """

    name: str
    network: Network
    teacher: str | None = None
    baseline: str | None = None
    control: str | None = None
    counterpart: str | None = None
    equal_counterpart: str | None = None


class Grid:
    """Trains the networks of a comparison, each when it is first asked for.

    Args:
        experiment: in whose run folder they are trained.
        teacher_name: such as "D5C5", or `.keras` file.
        student_name: such as "D3C5".
        first_cascade: of students that start from SFT, as for `load_weights`.
        friendly_settings: of `Experiment.friendly_teacher`, those that are not the defaults.
        options: of `Experiment.distil`, such as `alpha`, for every student.
    """

    def __init__(
        self,
        experiment: Experiment,
        teacher_name: Path | str = "D5C5",
        student_name: Path | str = "D3C5",
        first_cascade: str = "random",
        friendly_settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.experiment = experiment
        self.teacher_name = teacher_name
        self.student_name = student_name
        self.first_cascade = first_cascade
        self.friendly_settings = friendly_settings or {}
        self.options = options

    @cached_property
    def teacher(self) -> Network:
        """Returns the teacher, trained alone."""
        return self.experiment.teacher(self.teacher_name)

    @cached_property
    def student(self) -> Network:
        """Returns the student, trained alone."""
        return self.experiment.student(self.student_name)

    @cached_property
    def friendly(self) -> tuple[Network, Path]:
        """Returns (student-friendly teacher, path of the student it was trained with)."""
        return self.experiment.friendly_teacher(
            self.teacher_name, self.student_name, **self.friendly_settings
        )

    def distilled(self, method: str, sft: bool = False, **options: Any) -> Network:
        """Returns the student distilled from the teacher, or from the student-friendly one."""
        options = {**self.options, **options}
        if not sft:
            return self.experiment.distil(self.teacher, self.student_name, method, **options)
        teacher, start = self.friendly
        ending = "-sft" if self.first_cascade == "random" else f"-sft-{self.first_cascade}"
        return self.experiment.distil(
            *(teacher, self.student_name, method),
            **{**options, "start": start, "first_cascade": self.first_cascade, "variant": ending},
        )

    def pretrained(self, method: str) -> Network:
        """Returns the student distilled from the teacher, starting from its weights alone.

        In all it is trained for as many epochs as a student that starts from SFT: those alone stand
        for those in the branches.
        """
        teacher, _ = self.teacher, self.student  # which leaves its file
        return self.experiment.distil(
            *(teacher, self.student_name, method),
            **{
                **self.options,
                "start": self.experiment.student_path(self.student_name),
                "variant": "-pretrained",
            },
        )

    def long_student(self) -> Network:
        """Returns the plain student, trained for as many epochs as two stages of distillation."""
        experiment = self.experiment
        settings = dataclasses.replace(experiment.settings, epochs=2 * experiment.settings.epochs)
        return experiment.with_settings(settings, LONGER).student(self.student_name)
