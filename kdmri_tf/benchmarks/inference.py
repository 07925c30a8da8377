"""What the inference benchmark compares: networks, forms, image sizes, batches and threads."""

import itertools
import json
import os
import sys

from kdmri_tf.benchmarks import matrix_product
from kdmri_tf.benchmarks.artefacts import Artefacts, size_on_disk
from kdmri_tf.benchmarks.inference_report import InferenceContender, InferenceGroup, InferenceReport
from kdmri_tf.benchmarks.interleaved import measure
from kdmri_tf.benchmarks.training import PYTORCH_THREADS, TUNED_ALLOCATOR, check_pytorch
from kdmri_tf.compute.cores import num_cores
from kdmri_tf.compute.parallel import describe_device
from kdmri_tf.errors import InputError
from kdmri_tf.files import make_folder

NETWORKS = {"teacher": "D5C5", "student": "D3C5"}

# How much faster D3C5 is than D5C5 in KD-MRI (2020): 568 and 294 ms a knee slice on a CPU, 24 and
# 16 ms on a GPU; hardware not named.
PAPERS_SPEED_UP = {"CPU": 2.0, "GPU": 1.5}

# Contenders that take turns are in memory together. Above so many pixels a batch, networks take
# turns with themselves alone.
PIXELS_TOGETHER = 1_000_000

# What a contender's images may differ by from those of the network in float32, at maximum 1.
TOLERANCES = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 2e-2, "int8": 0.2}

# PyTorch contender -> form of `pytorch_inference`
EAGER = "PyTorch, eager as released"
TUNED_FLOAT32 = {
    "PyTorch, channels_last": "float32",
    "PyTorch, compiled": "compiled float32",
}
TUNED = {
    **TUNED_FLOAT32,
    "PyTorch, bfloat16": "bfloat16",
    "PyTorch, compiled bfloat16": "compiled bfloat16",
}
RIVALS = {
    "PyTorch, as released": (EAGER,),
    "best tuned float32 PyTorch": tuple(TUNED_FLOAT32),
    "best tuned PyTorch": tuple(TUNED),
}

NOTE = (
    "From measured k-space and mask in memory to the image, on synthetic slices (speed does not "
    "depend on what is in them). GFLOP/s count the convolutions alone, 2 H W 9 (input channels) "
    "(output channels) each; the next column is their share of what a product of large matrices "
    "does in the same rounds, with as many threads and in the same precision (int8: in float32). "
    "float16 is what weights are kept in; computing is in float32. Peak memory is of a process "
    "with all its libraries. All rows of ours are a `Reconstructor`'s but Keras' own `predict`, "
    "and all have glibc's allocator set to keep memory in huge pages (as train/reconstruct.py) but "
    "`predict` and PyTorch as released. "
    "LiteRT, ONNX and OpenVINO run on the CPU in any case. Networks take turns with each other up "
    "to a million pixels a batch; above, each has a run of its own."
)
PAPERS_NOTE = (
    "KD-MRI has 568 ms for D5C5 and 294 ms for D3C5, a knee slice on a CPU, and 24 and 16 ms on a "
    "GPU, on hardware that it does not name."
)
PYTORCH_NOTE = (
    "PyTorch has the same weights, and every contender's images are checked against the network's. "
    "As released: eager, contiguous, k-space and data consistency in float64. Tuned: channels_last "
    "and data consistency in float32 by the FFT of real images, bfloat16 by autocast; compiled: "
    "that by torch.compile, weights frozen. All without gradients, with OpenMP threads that sleep "
    "while they wait."
)


def run(
    folder,
    *,
    networks,
    sizes,
    batch_sizes,
    threads,
    rounds,
    seconds,
    torch=False,
    manual_dir=None,
    data_dir=None,
):
    """Measures and writes `inference.md`, `.csv` (a line a turn) and `.png` to a folder.

    The networks' files are made in its folder `networks`. What cannot be made here, for want of a
    package, is reported and left out.

    Args:
        folder: `Path`.
        networks: name -> network's name, which stays untrained, or trained `.keras` file.
        sizes: (H, W) each.
        batch_sizes: slices at a time, each.
        threads: of a contender, each; None for one and for all cores.
        rounds, seconds: as for `measure`.
        torch: adds the PyTorch networks.
        manual_dir, data_dir: of real slices, on which trained networks' losses are measured.

    Returns:
        The text of `inference.md`.

    Raises:
        InputError: the folder cannot be made, there are fewer cores than threads, PyTorch is asked
            for and not installed or does not have such a network, or one cannot be read.
    """
    cores = num_cores()
    threads = list(dict.fromkeys(threads or (1, cores)))
    if max(threads) > cores:
        raise InputError(f"--threads {max(threads)}: this process may use {cores} cores at most.")
    if torch:
        check_pytorch()
    make_folder(folder, "--output")
    # This process computes what is expected of the contenders, beside them.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    places = {"manual_dir": manual_dir, "data_dir": data_dir}
    artefacts = [
        Artefacts(name, choice, folder / "networks", sizes[0], places)
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
    )
    measure(report, rounds, seconds)
    return report.write(folder, "inference")


def inference_groups(artefacts, sizes, batch_sizes, threads, torch=False):
    """The groups of the inference benchmark, one for all conditions of every network.

    Args:
        artefacts: `Artefacts` of each network.
        sizes, batch_sizes, threads, torch: as for `run`.

    Returns:
        List of `InferenceGroup`s; those that take turns together share their matrix products.

    Raises:
        InputError: a network that the PyTorch contenders do not have.
    """
    if torch:
        for owner in artefacts:
            owner.check_pytorch()
    groups = []
    for size, batch_size, count in itertools.product(sizes, batch_sizes, threads):
        products = _matrix_products(count)
        for owner in artefacts:
            if size[0] * size[1] * batch_size > PIXELS_TOGETHER:
                products = _matrix_products(count)
            task = {
                "slices": str(owner.slices(size, max(batch_sizes))),
                "batch_size": batch_size,
                "threads": count,
            }
            contenders = [
                _reconstructor(task, form, path, owner.losses.get(form))
                for form, path in owner.files(size).items()
            ]
            if torch:
                contenders += _pytorch(task, owner)
            groups.append(
                InferenceGroup(
                    f"{owner.name} {owner.network.architecture}",
                    size,
                    batch_size,
                    tuple(contenders),
                    RIVALS if torch else {},
                    threads=count,
                    gigaflop=owner.gigaflop(size),
                    products=products,
                )
            )
    return groups


def _matrix_products(threads):
    contenders = [
        _contender(precision, "matrix_product", {"precision": precision, "threads": threads})
        for precision in ("float32", "bfloat16")
    ]
    side, gigaflop = matrix_product.SIDE, matrix_product.GIGAFLOP
    return InferenceGroup(
        "matrix product", (side, side), 1, tuple(contenders), threads=threads, gigaflop=gigaflop
    )


def _reconstructor(task, form, path, loss):
    precision = form.quantize or "float32"
    task = {
        **task,
        "path": str(path),
        "by_predict": form.by_predict,
        "tolerance": TOLERANCES[precision],
    }
    return _contender(
        form.name,
        "reconstructor",
        task,
        {} if form.by_predict else TUNED_ALLOCATOR,  # as train/reconstruct.py
        framework=form.framework,
        precision=precision,
        file_size=size_on_disk(path),
        loss=loss,
    )


def _pytorch(task, owner):
    network = owner.network
    names = ("num_convs", "num_cascades", "filters")
    task = {
        **task,
        "weights": str(owner.weights()),
        "architecture": {name: getattr(network, name) for name in names},
    }
    contenders = []
    for name, form in {EAGER: "released", **TUNED}.items():
        precision = "bfloat16" if form.endswith("bfloat16") else "float32"
        contenders.append(
            _contender(
                name,
                "pytorch_inference",
                {**task, "form": form, "tolerance": TOLERANCES[precision]},
                PYTORCH_THREADS | (TUNED_ALLOCATOR if name in TUNED else {}),
                framework="PyTorch",
                precision=precision,
            )
        )
    return contenders


def _contender(name, module, task, environment=None, **facts):
    command = (sys.executable, "-m", f"kdmri_tf.benchmarks.{module}", json.dumps(task))
    # Several of them share a GPU.
    environment = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", **(environment or {})}
    return InferenceContender(name, command, environment, **facts)


def _remarks(artefacts):
    """What losses were measured on, and what was left out, which is also printed."""
    origins = dict.fromkeys(owner.origin for owner in artefacts if owner.origin)
    remarks = [f"PSNR losses are means over {origin}." for origin in origins]
    names = {}
    for owner in artefacts:
        for form, reason in owner.left_out.items():
            names.setdefault(reason, []).append(f"{owner.name} {form.name}")
    for reason, left_out in names.items():
        remarks.append(f"Left out: {', '.join(left_out)}. {reason}")
        print(remarks[-1], flush=True)
    return remarks
