"""The inference benchmark: networks in every form, image sizes, batches and threads."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kdmri_tf.benchmarks.artefacts import Artefacts
from kdmri_tf.benchmarks.environments import SHARED_GPU, check_pytorch
from kdmri_tf.benchmarks.forms import FORMS, Form
from kdmri_tf.benchmarks.inference_contenders import inference_groups
from kdmri_tf.benchmarks.inference_report import InferenceReport
from kdmri_tf.benchmarks.interleaved import measure
from kdmri_tf.compute.cores import num_cores
from kdmri_tf.compute.parallel import describe_device
from kdmri_tf.errors import InputError
from kdmri_tf.files import make_folder

NETWORKS = {"teacher": "D5C5", "student": "D3C5"}

# How much faster D3C5 is than D5C5 in KD-MRI (2020): 568 and 294 ms a knee slice on a CPU, 24 and
# 16 ms on a GPU; hardware not named.
PAPERS_SPEED_UP = {"CPU": 2.0, "GPU": 1.5}

NOTE = (
    "From measured k-space and mask in memory to the image, on synthetic slices (speed does not "
    "depend on what is in them). GFLOP/s count the convolutions alone, 2 H W 9 (input channels) "
    "(output channels) each; the next column is their share of what a product of large matrices "
    "achieves in the same rounds, with as many threads and in the same precision (int8: in "
    "float32). float16 only stores weights; computing is in float32. Peak memory is that of a "
    "process with all its libraries. All our rows use `Reconstructor` and keep freed memory "
    "for what is allocated next, as kdmri reconstruct does, except for Keras' own `predict`; tuned "
    "PyTorch keeps it in huge pages. LiteRT, ONNX and OpenVINO always run on the CPU. Networks "
    "take turns with each other up to a million pixels per batch; above that, each has a run of "
    "its own, and they are compared by their medians."
)
PAPERS_NOTE = (
    "KD-MRI reports 568 ms for D5C5 and 294 ms for D3C5 per knee slice on a CPU, and 24 and 16 ms "
    "on a GPU, on hardware that it does not name."
)
PYTORCH_NOTE = (
    "PyTorch has the same weights, and every contender's images are checked against the network's. "
    "As released: eager, contiguous, k-space and the inverse FFT of data consistency in float64. "
    "Tuned: channels_last and data consistency in float32 by the FFT of real images, bfloat16 by "
    "autocast; compiled: that by torch.compile, weights frozen. All without gradients, with OpenMP "
    "threads that sleep while they wait."
)


def measured(
    folder: Path,
    *,
    networks: Mapping[str, Path | str],
    sizes: Sequence[tuple[int, int]],
    batch_sizes: Sequence[int],
    threads: Sequence[int] | None,
    rounds: int,
    seconds: float,
    torch: bool = False,
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    forms: Sequence[Form] = FORMS,
) -> InferenceReport:
    """Measures inference; `write(folder, "inference")` of what it returns makes table and figure.

    Each network's files are made in a folder of its name in `networks` there. What cannot be made
    here because a package is missing is reported and left out.

    Args:
        folder: for the networks' files.
        networks: name -> network's name, which stays untrained, or trained `.keras` file.
        sizes: (H, W) each.
        batch_sizes: slices at a time, each.
        threads: of a contender, each; None for one and for all cores.
        rounds, seconds: as for `measure`.
        torch: whether to add the PyTorch networks.
        manual_dir, data_dir: of real slices, on which trained networks' losses are measured.
        forms: of the networks.

    Raises:
        InputError: the folder cannot be made, there are fewer cores than threads, PyTorch is asked
            for but is not installed or does not have such a network, a network cannot be read, or
            every contender fails.
    """
    cores = num_cores()
    threads = list(dict.fromkeys(threads or (1, cores)))
    sizes, batch_sizes = list(dict.fromkeys(sizes)), list(dict.fromkeys(batch_sizes))
    if max(threads) > cores:
        raise InputError(f"--threads {max(threads)}: this process may use at most {cores} cores.")
    if torch:
        check_pytorch()
    make_folder(folder, "--output")
    # This process computes the images that contenders should give, beside them.
    for variable, value in SHARED_GPU.items():
        os.environ.setdefault(variable, value)
    places = {"manual_dir": manual_dir, "data_dir": data_dir}
    artefacts = [
        Artefacts(name, choice, folder / "networks" / name, sizes[0], places, forms)
        for name, choice in networks.items()
    ]
    groups = inference_groups(artefacts, sizes, batch_sizes, threads, torch)
    are_papers = [owner.network.architecture for owner in artefacts] == list(NETWORKS.values())
    notes = [NOTE, *([PYTORCH_NOTE] if torch else []), *([PAPERS_NOTE] if are_papers else [])]
    report = InferenceReport(
        "Inference",
        describe_device(),
        groups,
        (*notes, *_remarks(artefacts)),
        papers=PAPERS_SPEED_UP if are_papers else {},
        origins=_origins(artefacts),
    )
    measure(report, rounds, seconds)
    report.check_any_turn()
    return report


def _origins(artefacts: Sequence[Artefacts]) -> tuple[str, ...]:
    """Returns what slices losses were measured on, in words."""
    return tuple(dict.fromkeys(owner.origin for owner in artefacts if owner.origin))


def _remarks(artefacts: Sequence[Artefacts]) -> list[str]:
    """Says what losses were measured on, and what was left out, which is also printed."""
    remarks = [f"PSNR losses are means over {origin}." for origin in _origins(artefacts)]
    names: dict[str, list[str]] = {}
    for owner in artefacts:
        for form, reason in owner.left_out.items():
            names.setdefault(reason, []).append(f"{owner.name} {form.name}")
    for reason, left_out in names.items():
        remarks.append(f"Left out: {', '.join(left_out)}. {reason}")
        print(remarks[-1], flush=True)
    return remarks
