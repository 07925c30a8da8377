"""The contenders of the inference benchmark, in groups that take turns together."""

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.benchmarks import matrix_product
from kdmri_tf.benchmarks.artefacts import Artefacts, size_on_disk
from kdmri_tf.benchmarks.environments import PYTORCH_THREADS, SHARED_GPU, TUNED_ALLOCATOR
from kdmri_tf.benchmarks.forms import Form
from kdmri_tf.benchmarks.inference_report import InferenceContender, InferenceGroup
from kdmri_tf.compute.parallel import device_kind

# Contenders that take turns are in memory together. With more pixels per batch, each network takes
# turns only with itself.
PIXELS_TOGETHER = 1_000_000

# How far a contender's images may differ from those of the network in float32, at maximum 1.
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


def inference_groups(
    artefacts: Sequence[Artefacts],
    sizes: Sequence[tuple[int, int]],
    batch_sizes: Sequence[int],
    threads: Sequence[int],
    torch: bool = False,
) -> list[InferenceGroup]:
    """Sets up the groups of the inference benchmark, one for each network and condition.

    Args:
        artefacts: of each network.
        sizes, batch_sizes, threads, torch: as for `inference.measured`.

    Returns:
        The groups; those that take turns together share their matrix products.

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
                _network_file(task, form, path, owner.losses.get(form))
                for form, path in owner.files(size).items()
            ]
            if torch:
                contenders += _pytorch(task, owner)
            groups.append(
                InferenceGroup(
                    f"{owner.name} {owner.network.architecture}",
                    size,
                    batch_size,
                    RIVALS if torch else {},
                    contenders=tuple(contenders),
                    threads=count,
                    gigaflop=owner.gigaflop(size),
                    products=products,
                )
            )
    return groups


def _matrix_products(threads: int) -> InferenceGroup:
    contenders = [
        _contender(precision, "matrix_product", {"precision": precision, "threads": threads})
        for precision in ("float32", "bfloat16")
    ]
    side, gigaflop = matrix_product.SIDE, matrix_product.GIGAFLOP
    return InferenceGroup(
        *("matrix product", (side, side), 1),
        contenders=tuple(contenders),
        threads=threads,
        gigaflop=gigaflop,
    )


def _network_file(
    task: Mapping[str, Any], form: Form, path: Path, loss: float | None
) -> InferenceContender:
    precision = form.quantize or "float32"
    task = {
        **task,
        "path": str(path),
        "by_predict": form.by_predict,
        "tolerance": TOLERANCES[precision],
    }
    return _contender(
        form.name,
        "network_file",
        task,
        framework=form.framework,
        precision=precision,
        file_size=size_on_disk(path),
        loss=loss,
    )


def _pytorch(task: Mapping[str, Any], owner: Artefacts) -> list[InferenceContender]:
    network = owner.network
    names = ("num_convs", "num_cascades", "filters")
    task = {
        **task,
        "weights": str(owner.weights()),
        "architecture": {name: getattr(network, name) for name in names},
        "device": device_kind(),
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


def _contender(
    name: str,
    module: str,
    task: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    **facts: Any,
) -> InferenceContender:
    command = (sys.executable, "-m", f"kdmri_tf.benchmarks.{module}", json.dumps(task))
    return InferenceContender(name, command, {**SHARED_GPU, **(environment or {})}, **facts)
