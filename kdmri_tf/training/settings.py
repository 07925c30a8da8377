"""How networks are trained: the settings, checked, and their defaults."""

import math
import operator
from dataclasses import dataclass
from typing import Any

from kdmri_tf.choices import CONSISTENCY_FORMS, PRECISIONS, SCHEDULES
from kdmri_tf.errors import InputError
from kdmri_tf.sizes import MOST_EPOCHS, MOST_FILTERS, MOST_SLICES

LARGEST = {"epochs": MOST_EPOCHS, "batch_size": MOST_SLICES, "filters": MOST_FILTERS}

FIRST_WEIGHTS_LEFT = 0.1  # of averages at the end of a training, at most

# Synthetic slices show in minutes that everything works: few epochs of many small steps.
SYNTHETIC_EPOCHS = {"cardiac": 4, "brain": 3, "knee": 2, "calgary": 2, "own": 2}


@dataclass(frozen=True)
class TrainingSettings:
    """Holds how a network is trained; the defaults are those of the papers' released code.

    Attributes:
        epochs: passes over the training split, in every stage.
        batch_size: slices per step.
        learning_rate: Adam's first learning rate.
        schedule: "step" (times 0.1 every 40 of 150 epochs, in proportion for other lengths),
            "cosine" (to 0) or "constant".
        seed: of initial weights and slice order. Every network starts from the same random
            numbers, as in the released code, so that convolutions of the same shape at the same
            place, such as the first two of teacher and student, start with the same weights.
        precision: "float32" or "mixed_bfloat16" (only the convolutions in bfloat16).
        residual: whether a cascade adds its input; see `DCCNN`.
        nonnegative: whether super-resolution avoids negative intensities; see `VDSR`.
        filters: channels between the convolutions; None for the network's own default.
        consistency_form: how data consistency is computed, see `DataConsistency`; results agree
            up to rounding.
        complex_images: whether networks reconstruct complex images; an `Experiment` sets it by its
            data. See `DCCNN`.
        noise_weight: of data consistency: None, a number, "learned" or
            "learned_steps"; see `DCCNN`.
        consistency_steps: of data consistency with several coils; see `DCCNN`.
        ema_momentum: None, or how much of the average of the weights over all steps so far is kept
            in every step, average = momentum average + (1 - momentum) weights, such as 0.999. The
            averages are validated and kept then, `use_ema` of Keras' optimizers.

    Raises:
        InputError: a value out of range or an unknown name.

    Example:
        >>> from kdmri_tf import TrainingSettings
        >>> TrainingSettings(epochs=15, batch_size=8).learning_rate
        0.001
        >>> TrainingSettings(schedule="linear")
        Traceback (most recent call last):
        kdmri_tf.errors.InputError: Unknown schedule 'linear'; choose one of step, cosine, constant.
    """

    epochs: int = 150
    batch_size: int = 4
    learning_rate: float = 1e-3
    schedule: str = "step"
    seed: int = 42
    precision: str = "float32"
    residual: bool = True
    nonnegative: bool = True
    filters: int | None = None
    consistency_form: str = "auto"
    complex_images: bool = False
    noise_weight: float | str | None = None
    consistency_steps: int = 1
    ema_momentum: float | None = None

    def __post_init__(self) -> None:
        counts = ["epochs", "batch_size"] + ([] if self.filters is None else ["filters"])
        for name in (*counts, "seed"):
            # Plain integers, not NumPy's: settings are written as JSON and compared.
            object.__setattr__(self, name, _integer(name, getattr(self, name)))
        object.__setattr__(self, "learning_rate", float(self.learning_rate))
        for name in counts:
            number = getattr(self, name)
            if number < 1:
                raise InputError(f"{name} must be at least 1; got {number}.")
            if number > LARGEST[name]:
                raise InputError(f"{name} must be at most {LARGEST[name]:,}; got {number:,}.")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed must lie between 0 and 2^31 - 1; got {self.seed}.")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be positive; got {self.learning_rate}.")
        if self.ema_momentum is not None and not 0 < self.ema_momentum < 1:
            raise InputError(
                f"ema_momentum must lie between 0 and 1, such as 0.999; got {self.ema_momentum}."
            )
        choices = {
            "schedule": SCHEDULES,
            "precision": PRECISIONS,
            "consistency_form": CONSISTENCY_FORMS,
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"Unknown {name} {getattr(self, name)!r}; choose one of {', '.join(known)}."
                )


def check_averaging(settings: TrainingSettings, steps: int) -> None:
    """Refuses an average of weights that would be made of the first ones for a good part.

    Keras' averages begin with the weights after the first step, of which momentum^steps is left.

    Args:
        settings: of the training.
        steps: of an epoch.

    Raises:
        InputError: more than a tenth would be left at the end.
    """
    steps, momentum = settings.epochs * steps, settings.ema_momentum
    if momentum is None or momentum**steps <= FIRST_WEIGHTS_LEFT:
        return
    largest = math.floor(1000 * FIRST_WEIGHTS_LEFT ** (1 / steps)) / 1000
    raise InputError(
        f"With ema_momentum {momentum:g}, {momentum**steps:.0%} of the averages would be the "
        f"weights after the first of only {steps} steps: give at most {largest:g} "
        "(--ema-momentum), more epochs, or leave it out."
    )


def _integer(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError as error:
        raise InputError(f"{name} must be a whole number; got {value!r}.") from error


def default_settings(dataset: str, source: str, **chosen: Any) -> TrainingSettings:
    """Returns settings with the papers' defaults, or small ones where the data is synthetic.

    Args:
        dataset: anatomy.
        source: where the images come from.
        chosen: settings that replace a default where they are not None.
    """
    defaults: dict[str, Any] = {}
    if source == "synthetic":
        epochs = SYNTHETIC_EPOCHS[dataset]
        defaults = {"epochs": epochs, "batch_size": 1, "schedule": "cosine"}
    given = {name: value for name, value in chosen.items() if value is not None}
    return TrainingSettings(**{**defaults, **given})
