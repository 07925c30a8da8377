"""DC-CNN and its data consistency in PyTorch alone, as released and as tuned as we can.

Networks and weights are those of `kdmri_tf`. Nothing here imports TensorFlow.
"""

import math
from typing import Self

import torch
from torch import nn


class DCCNN(nn.Module):
    """Computes what `kdmri_tf.DCCNN` does with residual cascades: same parameters, same order.

    `network(measurement)` returns (image `(batch, 1, H, W)`, features), where the features are the
    matched activations `(batch, filters, H, W)` of all cascades.

    Args:
        num_convs: convolutions per cascade.
        num_cascades: cascades.
        filters: channels between the convolutions.
        in_place: whether ReLU overwrites its input.
    """

    def __init__(
        self, num_convs: int, num_cascades: int = 5, filters: int = 32, in_place: bool = False
    ) -> None:
        super().__init__()
        self.matched_layers = 2 * math.ceil(num_convs / 2)
        self.blocks = nn.ModuleList()
        for _ in range(num_cascades):
            layers: list[nn.Module] = []
            for index in range(num_convs):
                channels = 1 if index == 0 else filters, 1 if index == num_convs - 1 else filters
                layers += [nn.Conv2d(*channels, 3, padding=1), nn.ReLU(in_place)]
            self.blocks.append(nn.Sequential(*layers[:-1]))

    def forward(
        self, measurement: "PapersMeasurement | TunedMeasurement"
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        image = measurement.zero_filled
        features: list[torch.Tensor] = []
        for block in self.blocks:
            features.append(block[: self.matched_layers](image))
            update = block[self.matched_layers :](features[-1])
            image = measurement.correct(image + update.float())
        return image, features


class PapersMeasurement:
    """Holds measured k-space and has the data consistency of the papers' code, in float64.

    Args:
        kspace: complex128 `(batch, 1, H, W)`, ortho normalised, zero where not measured.
        mask: `(H, W)` of 0 and 1, unshifted.
    """

    def __init__(self, kspace: torch.Tensor, mask: torch.Tensor) -> None:
        self.mask = mask.double()
        self.kspace = kspace
        self.zero_filled = torch.fft.ifft2(kspace, norm="ortho").abs().float()

    @classmethod
    def of_images(cls, images: torch.Tensor, mask: torch.Tensor) -> Self:
        """Measures fully sampled images, float32 `(batch, 1, H, W)`."""
        return cls(mask.double() * torch.fft.fft2(images.double(), norm="ortho"), mask)

    def correct(self, image: torch.Tensor) -> torch.Tensor:
        """Returns the image `(batch, 1, H, W)` with its measured samples put back, float32."""
        predicted = torch.fft.fft2(image, norm="ortho").to(torch.complex128)
        kspace = self.mask * self.kspace + (1 - self.mask) * predicted
        return torch.fft.ifft2(kspace, norm="ortho").real.float()


class TunedMeasurement:
    """Does the same in float32 by the FFT of real images, as the form "rfft" of `kdmri_tf`.

    Args:
        kspace: complex64 `(batch, 1, H, W)`, ortho normalised, zero where not measured.
        mask: `(H, W)` of 0 and 1, unshifted.
    """

    def __init__(self, kspace: torch.Tensor, mask: torch.Tensor) -> None:
        zero_filled = torch.fft.ifft2(kspace, norm="ortho")
        self.zero_filled = zero_filled.abs()
        self.measured_image = zero_filled.real.contiguous()
        mirrored = mask.flip(0, 1).roll((1, 1), (0, 1))
        self.kept = 1 - (mask + mirrored)[:, : mask.shape[1] // 2 + 1] / 2

    @classmethod
    def of_images(cls, images: torch.Tensor, mask: torch.Tensor) -> Self:
        """Measures fully sampled images, float32 `(batch, 1, H, W)`."""
        return cls(mask * torch.fft.fft2(images, norm="ortho"), mask)

    def correct(self, image: torch.Tensor) -> torch.Tensor:
        """Returns the image `(batch, 1, H, W)` with its measured samples put back, float32."""
        kept = torch.fft.irfft2(self.kept * torch.fft.rfft2(image), s=image.shape[-2:])
        return kept + self.measured_image
