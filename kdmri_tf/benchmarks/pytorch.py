"""The benchmark's PyTorch contender: DC-CNN and its training loops, in PyTorch alone.

A process of its own, as `benchmark` describes it, run by path so that TensorFlow stays out of it,
with the arguments of `Training` in one JSON object.

Network and losses are those of `kdmri_tf`. The loop comes in two forms:

- as the papers' released code has it: eager, float32 convolutions on contiguous tensors, k-space
  and the inverse FFT of data consistency in float64, the teacher inside autograd, the loss fetched
  in every step;
- tuned as well as we can, in float32 or with convolutions in bfloat16 (autocast): channels_last,
  ReLU in place, teacher outside autograd, data consistency in float32 by the FFT of real images,
  fused Adam, nothing fetched. Not torch.compile, which made this step 1.8 times slower on a CPU.

One batch lies in memory, undersampled beforehand: nothing is read or shuffled, which favours
PyTorch.
"""

import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional

FORMS = ("papers", "float32", "bfloat16")


class DCCNN(nn.Module):
    """`kdmri_tf.DCCNN` with residual cascades: the same parameters in the same order.

    `network(measurement)` gives (image `(batch, 1, H, W)`, features), where the features are the
    matched activations `(batch, filters, H, W)` of all cascades.

    Args:
        num_convs: convolutions a cascade.
        num_cascades: cascades.
        filters: channels between the convolutions.
        in_place: whether ReLU overwrites its input.
    """

    def __init__(self, num_convs, num_cascades=5, filters=32, in_place=False):
        super().__init__()
        self.matched_layers = 2 * math.ceil(num_convs / 2)
        self.blocks = nn.ModuleList()
        for _ in range(num_cascades):
            layers = []
            for index in range(num_convs):
                channels = 1 if index == 0 else filters, 1 if index == num_convs - 1 else filters
                layers += [nn.Conv2d(*channels, 3, padding=1), nn.ReLU(in_place)]
            self.blocks.append(nn.Sequential(*layers[:-1]))

    def forward(self, measurement):
        image = measurement.zero_filled
        features = []
        for block in self.blocks:
            features.append(block[: self.matched_layers](image))
            update = block[self.matched_layers :](features[-1])
            image = measurement.correct(image + update.float())
        return image, features


class PapersMeasurement:
    """Measured k-space and the data consistency of the papers' code, in float64.

    Args:
        kspace: complex128 `(batch, 1, H, W)`, ortho normalised, zero where not measured.
        mask: `(H, W)` of 0 and 1, unshifted.
    """

    def __init__(self, kspace, mask):
        self.mask = mask.double()
        self.kspace = kspace
        self.zero_filled = torch.fft.ifft2(kspace, norm="ortho").abs().float()

    @classmethod
    def of_images(cls, images, mask):
        """What is measured of fully sampled images, float32 `(batch, 1, H, W)`."""
        return cls(mask.double() * torch.fft.fft2(images.double(), norm="ortho"), mask)

    def correct(self, image):
        """The image `(batch, 1, H, W)` with its measured samples put back, float32."""
        predicted = torch.fft.fft2(image, norm="ortho").to(torch.complex128)
        kspace = self.mask * self.kspace + (1 - self.mask) * predicted
        return torch.fft.ifft2(kspace, norm="ortho").real.float()


class TunedMeasurement:
    """The same in float32 by the FFT of real images, as the form "rfft" of `kdmri_tf`.

    Args:
        kspace: complex64; otherwise as above.
        mask: as above.
    """

    def __init__(self, kspace, mask):
        zero_filled = torch.fft.ifft2(kspace, norm="ortho")
        self.zero_filled = zero_filled.abs()
        self.measured_image = zero_filled.real.contiguous()
        mirrored = mask.flip(0, 1).roll((1, 1), (0, 1))
        self.kept = 1 - (mask + mirrored)[:, : mask.shape[1] // 2 + 1] / 2

    @classmethod
    def of_images(cls, images, mask):
        """What is measured of fully sampled images, float32 `(batch, 1, H, W)`."""
        return cls(mask * torch.fft.fft2(images, norm="ortho"), mask)

    def correct(self, image):
        """The image `(batch, 1, H, W)` with its measured samples put back, float32."""
        kept = torch.fft.irfft2(self.kept * torch.fft.rfft2(image), s=image.shape[-2:])
        return kept + self.measured_image


class Training:
    """One stage's loop on random images under a mask of every fourth line, its networks untrained.

    Args:
        stage: "teacher", "student", "attention" or "distillation".
        image_size: (H, W).
        batch_size: slices a step.
        form: of `FORMS`.
    """

    def __init__(self, stage, image_size, batch_size, form):
        torch.manual_seed(42)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.stage = stage
        self.batch_size = batch_size
        self.is_tuned = form != "papers"
        self.in_bfloat16 = form == "bfloat16"
        self.images = torch.rand(batch_size, 1, *image_size, device=self.device)
        mask = torch.zeros(*image_size, device=self.device)
        mask[::4] = 1
        measurement = TunedMeasurement if self.is_tuned else PapersMeasurement
        self.measurement = measurement.of_images(self.images, mask)
        self.teacher, self.student = (
            DCCNN(num_convs, in_place=self.is_tuned).to(self.device) for num_convs in (5, 3)
        )
        trained = self.teacher if stage == "teacher" else self.student
        if self.is_tuned:
            for network in (self.teacher, self.student):
                network.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(trained.parameters(), 1e-3, fused=self.is_tuned)

    def loss(self):
        """The stage's loss on the batch."""
        if self.stage in ("teacher", "student"):
            image, _ = self._reconstruct(getattr(self, self.stage))
            return functional.l1_loss(image, self.images)
        with torch.set_grad_enabled(not self.is_tuned):
            teacher_image, teacher_features = self._reconstruct(self.teacher)
        image, features = self._reconstruct(self.student)
        if self.stage == "attention":
            return attention_loss(teacher_features, features)
        reconstruction = functional.l1_loss(image, self.images)
        return (reconstruction + functional.l1_loss(image, teacher_image)) / 2

    def run(self, steps):
        """Trains and returns the number of slices trained on."""
        for _ in range(steps):
            loss = self.loss()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if not self.is_tuned:
                loss.item()
        loss.item()  # waits for a GPU
        return steps * self.batch_size

    def _reconstruct(self, network):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            return network(self.measurement)


def attention_loss(teacher_features, student_features):
    """Sum over cascades of the distance of normalised attention maps (KD-MRI 2020, equation 4)."""
    distances = [
        torch.linalg.vector_norm(_attention_map(student) - _attention_map(teacher), dim=1)
        for teacher, student in zip(teacher_features, student_features, strict=True)
    ]
    return sum(distances).mean()


def _attention_map(feature):
    return functional.normalize(feature.float().square().sum(dim=1).flatten(1), dim=1)


def main():
    contender = Training(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        start = time.perf_counter()
        slices = contender.run(int(line))
        answer = {"seconds": time.perf_counter() - start, "slices": slices}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
