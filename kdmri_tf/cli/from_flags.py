"""What the flags of a command describe: an experiment, its data, and options of distillation."""

import argparse
import functools
import warnings
from typing import TYPE_CHECKING, Any

from kdmri_tf.choices import SAMPLERS
from kdmri_tf.cli.distillation_flags import OF_FRIENDLY_TEACHERS
from kdmri_tf.cli.flag_types import check_name, is_trained
from kdmri_tf.cli.flags import OF_COILS, OF_MASKS
from kdmri_tf.errors import InputError

if TYPE_CHECKING:  # these import TensorFlow
    import tensorflow as tf

    from kdmri_tf.data.augmentation import Augment
    from kdmri_tf.data.mri_data import MRIData
    from kdmri_tf.physics.simulated_acquisition import SimulatedAcquisition
    from kdmri_tf.training.experiment import Experiment

# Attribute of `kdmri_tf.TrainingSettings` -> flag
SETTINGS = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "lr",
    "schedule": "lr_schedule",
    "seed": "seed",
    "precision": "precision",
    "residual": "residual",
    "nonnegative": "nonnegative",
    "filters": "filters",
    "consistency_form": "data_consistency",
    "noise_weight": "noise_weight",
    "consistency_steps": "consistency_steps",
    "ema_momentum": "ema_momentum",
}


def experiment(arguments: argparse.Namespace) -> "Experiment":
    """Makes the experiment that the flags describe: its data, run folder and training settings.

    Raises:
        InputError: flags that contradict each other or ask for too much, before anything is made.
    """
    _check_networks(arguments)
    from kdmri_tf.compute.devices import devices_in_words, idle_gpu
    from kdmri_tf.compute.parallel import divide_cores
    from kdmri_tf.data.provenance import data_facts
    from kdmri_tf.training.experiment import Experiment
    from kdmri_tf.training.settings import default_settings
    from tfds_builders.sources import resolve_source

    # Before anything is computed, as workers need it.
    chosen_strategy = getattr(arguments, "strategy", "none")
    strategy = _strategy(chosen_strategy, getattr(arguments, "worker_timeout", 0.0))
    source = resolve_source(
        arguments.dataset, arguments.source, arguments.manual_dir, arguments.coils
    )
    chosen = {name: getattr(arguments, flag, None) for name, flag in SETTINGS.items()}
    settings = default_settings(arguments.dataset, source, **chosen)
    if not arguments.whole_batches and chosen_strategy == "none":
        divide_cores(settings.batch_size)  # before TensorFlow reads the first slice
    data = _load(arguments, source)
    name = "-".join([data.dataset, data.source, data.acceleration_label.replace(" ", "-")])
    coils = ""
    if data.coils is not None:
        name += f"-{data.coils}coil{'s' if data.coils > 1 else ''}"
        coils = f"; {data.coils_label}"
    number = data_facts(data).get("phase_encode_axis")
    axis = "" if number is None else f", phase encode along axis {number}"
    slices = ", ".join(f"{count} {split} slices" for split, count in data.num_slices.items())
    print(
        f"{data.dataset} from {data.source}, {data.image_size[0]}x{data.image_size[1]}: {slices}; "
        f"{data.mask_origin}{axis}, true acceleration {data.acceleration:.2f}{coils}"
        + ("" if data.is_fixed else f"; training with {data.variation}")
        + f"; on {devices_in_words()}",
        flush=True,
    )
    if unused := idle_gpu():
        warnings.warn(unused, stacklevel=1)
    cache = {}
    if hasattr(arguments, "teacher_cache"):
        memory = int(arguments.teacher_memory * 2**30)
        cache = {"teacher_cache": arguments.teacher_cache, "teacher_memory": memory}
    run_dir = arguments.run_dir or f"runs/{name}"
    return Experiment(data, run_dir, settings, strategy=strategy, **cache)


@functools.cache  # a process makes a strategy of several workers once
def _strategy(name: str, wait_seconds: float) -> "tf.distribute.Strategy":
    """Returns the strategy of a command."""
    from kdmri_tf.compute.strategy import training_strategy

    return training_strategy(name, wait_seconds)


def _check_networks(arguments: argparse.Namespace) -> None:
    """Refuses networks that are too large with so many filters."""
    filters = getattr(arguments, "filters", None)
    roles = [getattr(arguments, role, None) for role in ("teacher", "student")]
    for name in [*roles, *(getattr(arguments, "students", None) or ())]:
        if filters is not None and name is not None and not is_trained(name):
            check_name(name, filters)


def distillation(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the options of `Experiment.distil` that the flags set.

    Raises:
        InputError: flags that contradict each other.
    """
    if arguments.joint and arguments.method == "none":
        raise InputError(
            "--joint trains on features and images at once, but --method none compares no "
            "features: leave one of them out."
        )
    if arguments.feature_weight != 1 and not arguments.joint:
        raise InputError(
            f"--feature-weight {arguments.feature_weight:g} weighs features against images: it "
            "needs --joint."
        )
    names = ("method", "alpha", "joint", "feature_weight", "first_cascade")
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def friendly_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings of a student-friendly teacher that the flags set."""
    given = {name: getattr(arguments, name) for name in OF_FRIENDLY_TEACHERS}
    return {name: value for name, value in given.items() if value is not None}


def _load(arguments: argparse.Namespace, source: str) -> "MRIData":
    """Loads the data, undersampled or at low resolution."""
    from kdmri_tf.data.loading import load_data, load_super_resolution

    options = {
        "source": source,
        "manual_dir": arguments.manual_dir,
        "data_dir": arguments.data_dir,
        "image_size": arguments.image_size,
        "rebuild": arguments.rebuild_data,
        "skip_unreadable": arguments.skip_unreadable,
        "num_workers": arguments.num_workers,
        "beam_pipeline_options": arguments.beam_pipeline_options,
        "augment": _augmentation(arguments),
    }
    random_masks = getattr(arguments, "random_masks", False)
    of_masks = {name: getattr(arguments, name) for name in OF_MASKS}
    of_masks = {name: value for name, value in of_masks.items() if value is not None}
    of_drawn = [name for name in of_masks if name != "phase_encode_axis"]  # which lines have, too
    if of_drawn and arguments.mask not in SAMPLERS:
        flag = of_drawn[0].replace("_", "-")
        raise InputError(
            f"--{flag} is for drawn masks, but --mask names {arguments.mask}: leave one out."
        )
    if arguments.scale is None:
        return load_data(
            arguments.dataset,
            4.0 if arguments.acc is None else arguments.acc,
            mask=arguments.mask,
            random_masks=random_masks,
            coils=arguments.coils,
            acquisition=_acquisition(arguments, source),
            **of_masks,
            **options,
        )
    is_masked = arguments.mask != "gaussian" or of_masks
    if arguments.acc is not None or random_masks or is_masked:
        raise InputError(
            "--scale lowers the resolution and needs no mask: leave out --acc and all mask flags."
        )
    if any(getattr(arguments, name) is not None for name in OF_COILS):
        raise InputError(
            "--scale lowers the resolution of magnitude images: leave out --coils, --snr, "
            "--phase-strength and --tissue-phase."
        )
    return load_super_resolution(arguments.dataset, arguments.scale, **options)


def _acquisition(arguments: argparse.Namespace, source: str) -> "SimulatedAcquisition | None":
    """Returns how scans are simulated, if that is not as usual."""
    from kdmri_tf.physics.simulated_acquisition import SimulatedAcquisition
    from tfds_builders.catalog import DATASETS

    settings = {"snr": "snr", "phase": "phase_strength", "tissue": "tissue_phase"}
    given = {name: getattr(arguments, flag) for name, flag in settings.items()}
    chosen = {name: v[0] if len(v) == 1 else v for name, v in given.items() if v is not None}
    if not chosen:
        return None
    if arguments.coils is None or source in DATASETS[arguments.dataset].kspace_sources:
        reason = "raw" if arguments.coils else "without coils"
        first = next(iter(chosen))
        flag = f"--{settings[first].replace('_', '-')}"
        what = "noise" if first == "snr" else "phase"
        raise InputError(
            f"{flag} is the {what} of simulated scans, but the k-space of {source} is {reason} "
            "here: leave it out" + ("." if arguments.coils else ", or add --coils.")
        )
    return SimulatedAcquisition(arguments.coils, **chosen)


def _augmentation(arguments: argparse.Namespace) -> "Augment | None":
    """Returns what changes the training images, or None."""
    from kdmri_tf.data.augmentation import compose_augmentations, random_contrast, random_flips
    from kdmri_tf.data.random_shifts import random_shifts
    from kdmri_tf.data.random_zoom import random_zoom

    known = {
        **{"zoom": random_zoom, "shifts": random_shifts},
        **{"flips": random_flips, "contrast": random_contrast},
    }
    chosen = [augment for flag, augment in known.items() if getattr(arguments, flag, False)]
    return compose_augmentations(*chosen) if len(chosen) > 1 else next(iter(chosen), None)
