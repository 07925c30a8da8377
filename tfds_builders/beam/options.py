"""How many workers of Apache Beam prepare a data set, or which of its runners. Imports no Beam."""

import importlib.util
from typing import TYPE_CHECKING, Any, SupportsIndex

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import number_of
from tfds_builders.catalog import MOST_WORKERS

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

LOCAL_RUNNER = "FnApiRunner"  # the direct runner looks for a program on the internet first


def beam_flags(
    num_workers: SupportsIndex | None, beam_pipeline_options: str | None
) -> list[str] | None:
    """Returns the pipeline options, as flags, that a user asks for; None for neither.

    Args:
        num_workers: processes of this computer.
        beam_pipeline_options: as `tfds build` has them, "runner=...,job_name=...".

    Raises:
        InputError: both, a number that is out of range, or options that are none.
    """
    if num_workers is not None and beam_pipeline_options is not None:
        raise InputError(
            "num_workers (--num-workers) is for this computer, beam_pipeline_options "
            "(--beam-pipeline-options) for any runner of Apache Beam: leave out one of them."
        )
    if num_workers is not None:
        number = number_of("workers", num_workers, MOST_WORKERS)
        return [
            f"--runner={LOCAL_RUNNER}",
            "--direct_running_mode=multi_processing",
            f"--direct_num_workers={number}",
        ]
    if beam_pipeline_options is None:
        return None
    options = [option.strip() for option in beam_pipeline_options.split(",")]
    if not all(option and not option.startswith("-") for option in options):
        raise InputError(
            "The options of an Apache Beam pipeline are name=value with commas between, such as "
            f"runner=FlinkRunner,flink_master=localhost:8081, not {beam_pipeline_options!r}."
        )
    return [f"--{option}" for option in options]


def options_of_config(config: "tfds.download.DownloadConfig") -> Any:
    """Returns the pipeline options of a TFDS configuration, None for none at all.

    They are flags, or the `PipelineOptions` that `tfds build` makes. Trials of a few examples
    (`max_examples_per_split`) do without.

    Raises:
        InputError: Apache Beam is not installed, or its runner is given but for the options.
    """
    if config.beam_runner is not None:
        raise InputError(
            "Name the runner of Apache Beam among its options (beam_options), such as "
            f"runner=FlinkRunner, instead of {config.beam_runner!r}."
        )
    if config.beam_options is None or config.max_examples_per_split is not None:
        return None
    check_beam()
    return config.beam_options


def is_local(options: Any) -> bool:
    """Returns whether the workers are processes of this computer, which are of no interest."""
    return isinstance(options, list) and f"--runner={LOCAL_RUNNER}" in options


def check_beam() -> None:
    """Raises an InputError if Apache Beam is not installed."""
    if importlib.util.find_spec("apache_beam") is None:
        raise InputError(
            "Preparing data with several workers needs the package apache-beam, which is not "
            'installed: run pip install "kdmri_tf[apache-beam]".'
        )
