"""The inference benchmark's PyTorch contender: the same weights, from k-space to image.

A process of its own, `python -m kdmri_tf.benchmarks.pytorch_inference`, whose task has `form`,
`weights`, `architecture`, `slices`, `batch_size`, `threads`, `device`, `tolerance`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kdmri_tf.benchmarks.contender import (
    Task,
    Work,
    check_agreement,
    load_slices,
    repeating,
    take_part,
)
from kdmri_tf.benchmarks.pytorch_device import device_of
from kdmri_tf.benchmarks.pytorch_networks import DCCNN, PapersMeasurement, TunedMeasurement

FORMS = ("released", "float32", "bfloat16", "compiled float32", "compiled bfloat16")


class Reconstruction(nn.Module):
    """Reconstructs float32 `(batch, H, W, 1)` from complex `(batch, 1, H, W)`, mask `(H, W)`.

    - "released": as in the papers' code: eager, contiguous, k-space and the inverse FFT of data
      consistency in float64;
    - "float32", "bfloat16": tuned: channels_last, ReLU in place, data consistency in float32 by the
      FFT of real images; convolutions in bfloat16 by autocast;
    - "compiled ...": that, by `torch.compile` with weights as constants ("freezing").

    No form keeps what gradients would need.

    Args:
        form: one of `FORMS`.
        architecture: arguments of `DCCNN`.
        weights: in the order cascade, convolution, kernel, bias, as Keras keeps them.
    """

    def __init__(
        self, form: str, architecture: dict[str, Any], weights: Iterable[NDArray[np.float32]]
    ) -> None:
        super().__init__()
        self.is_tuned = form != "released"
        self.in_bfloat16 = form.endswith("bfloat16")
        self.measurement: type[PapersMeasurement | TunedMeasurement] = (
            TunedMeasurement if self.is_tuned else PapersMeasurement
        )
        self.network = DCCNN(**architecture, in_place=self.is_tuned)
        for parameter, weight in zip(self.network.parameters(), weights, strict=True):
            if weight.ndim == 4:
                weight = np.ascontiguousarray(weight.transpose(3, 2, 0, 1))
            parameter.data = torch.from_numpy(weight)
        if self.is_tuned:
            self.network.to(memory_format=torch.channels_last)

    def forward(self, kspace: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        measurement = self.measurement(kspace, mask)
        with torch.autocast(kspace.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            image = measurement.zero_filled
            for block in self.network.blocks:
                image = measurement.correct(image + block(image).float())
        return image[:, 0, :, :, None]


def prepare(task: Task) -> Work:
    """Sets the network up; an execution goes from tensors in memory to a NumPy array."""
    torch.set_num_threads(task["threads"])
    device = device_of(task["device"])
    with np.load(task["weights"]) as file:
        weights = [file[name] for name in file.files]
    reconstruction = Reconstruction(task["form"], task["architecture"], weights).to(device).eval()
    inputs, expected = load_slices(task["slices"], task["batch_size"])
    kspace = torch.view_as_complex(torch.from_numpy(inputs["kspace"]))[:, None]
    if task["form"] == "released":
        kspace = kspace.to(torch.complex128)  # as its data come
    mask = torch.from_numpy(inputs["mask"][0])
    if task["form"].startswith("compiled"):
        reconstruction = torch.compile(reconstruction, options={"freezing": True})

    def reconstruct() -> NDArray[np.float32]:
        with torch.no_grad():
            return reconstruction(kspace.to(device), mask.to(device)).cpu().numpy()

    check_agreement(reconstruct(), expected, task["tolerance"])
    return repeating(reconstruct, len(expected))


if __name__ == "__main__":
    take_part(prepare)
