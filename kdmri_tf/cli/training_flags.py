"""The command-line flags of training."""

import argparse

from kdmri_tf.choices import CONSISTENCY_FORMS, PRECISIONS, SCHEDULES, STRATEGIES
from kdmri_tf.cli.flag_types import count, momentum, noise_weight, positive_number, seconds, seed
from kdmri_tf.sizes import MOST_CONSISTENCY_STEPS, MOST_EPOCHS, MOST_FILTERS


def add(group: argparse._ArgumentGroup, super_resolution: bool) -> None:
    """Adds them, with those of `super_resolution` if the command takes them."""
    add = group.add_argument
    add("--epochs", type=count(MOST_EPOCHS), help="of every stage (default: 150; synthetic: a few)")
    add("--lr", type=positive_number, default=1e-3, help="Adam's first learning rate")
    add(
        "--lr-schedule",
        choices=SCHEDULES,
        help="step: times 0.1 every 40 of 150 epochs, in proportion "
        "(default: step; synthetic: cosine)",
    )
    add(
        "--ema-momentum",
        type=momentum,
        metavar="M",
        help="validate and keep the moving average of the weights over all steps, of which M stays "
        "in every step, such as 0.999 (default: the weights of the best epoch)",
    )
    add("--seed", type=seed, default=42, help="initial weights and slice order")
    add(
        "--random-masks",
        action="store_true",
        help="give every training slice one of 256 masks, picked again in every epoch",
    )
    add(
        "--flips",
        action="store_true",
        help="flip training slices up-down and left-right, at random in every epoch",
    )
    add(
        "--shifts",
        action="store_true",
        help="shift training slices by up to an eighth of their size, at random in every epoch",
    )
    add(
        "--contrast",
        action="store_true",
        help="change the contrast of training slices at random in every epoch, by raising them to "
        "a power of 0.7 to 1.5",
    )
    add(
        "--zoom",
        action="store_true",
        help="shrink training slices by a factor of 1 to 1.6 at random in every epoch, so that "
        "their details are as fine as in scanners' raw data",
    )
    add(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        help="of the convolutions; mixed_bfloat16 is faster where the processor has bfloat16",
    )
    add(
        "--strategy",
        default="none",
        choices=STRATEGIES,
        help="how training is spread over devices; mirrored: over all GPUs of this machine; "
        "multiworker: over processes and machines that run the same command, each with TF_CONFIG "
        "or in a task of Slurm",
    )
    add(
        "--worker-timeout",
        type=seconds,
        default=300.0,
        metavar="SECONDS",
        help="how long workers wait for each other at the start",
    )
    add(
        "--data-consistency",
        default="auto",
        choices=CONSISTENCY_FORMS,
        help="how it is computed, the same to rounding; fft: the definition; rfft: by the FFT of "
        "real images; auto: as rfft, but without an FFT for masks of whole lines on a CPU",
    )
    add(
        "--noise-weight",
        type=noise_weight,
        metavar="WEIGHT",
        help="how far measured samples are trusted, for noisy k-space: learned, by every cascade; "
        "learned_steps, of complex images, by each of its steps; or lambda, which gives them the "
        "weight lambda / (1 + lambda) (default: fully)",
    )
    add(
        "--consistency-steps",
        type=count(MOST_CONSISTENCY_STEPS),
        default=1,
        metavar="N",
        help="steps of data consistency in every cascade, for several coils (default: 1)",
    )
    add(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cascades add their input to their output",
    )
    if super_resolution:
        add(
            "--nonnegative",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="VDSR sets negative intensities to 0",
        )
    vdsr = "; VDSR: 64" if super_resolution else ""
    add(
        "--filters",
        type=count(MOST_FILTERS),
        help=f"channels between convolutions (default: 32{vdsr})",
    )
