"""The training benchmark's PyTorch contender: the papers' training loops, in PyTorch alone.

A process of its own, `python -m kdmri_tf.benchmarks.pytorch_training`, whose task has the arguments
of `Training`. TensorFlow stays out of it.

Network and losses are those of `kdmri_tf`. The loop comes in two forms:

- as in the papers' released code: eager, float32 convolutions on contiguous tensors, k-space and
  the inverse FFT of data consistency in float64, the teacher inside autograd, the loss fetched in
  every step;
- tuned as well as we can, in float32 or with convolutions in bfloat16 (autocast): channels_last,
  ReLU in place, teacher outside autograd, data consistency in float32 by the FFT of real images,
  fused Adam, nothing fetched. Not torch.compile, which made this step 1.8 times slower on a CPU.

One batch lies in memory, undersampled beforehand: nothing is read or shuffled, which favours
PyTorch.
"""

import functools
from collections.abc import Sequence

import torch
from torch.nn import functional

from kdmri_tf.benchmarks.contender import Task, Work, take_part
from kdmri_tf.benchmarks.pytorch_device import device_of
from kdmri_tf.benchmarks.pytorch_networks import DCCNN, PapersMeasurement, TunedMeasurement

FORMS = ("papers", "float32", "bfloat16")


class Training:
    """Trains one stage on random images under a mask of every fourth line, from random weights.

    Args:
        stage: "teacher", "student", "attention" or "distillation".
        image_size: (H, W).
        batch_size: slices per step.
        form: one of `FORMS`.
        device: kind of `device_of`.
    """

    def __init__(
        self,
        stage: str,
        image_size: Sequence[int],
        batch_size: int,
        form: str,
        device: str = "CPU",
    ) -> None:
        torch.manual_seed(42)
        self.device = device_of(device)
        self.stage = stage
        self.batch_size = batch_size
        self.is_tuned = form != "papers"
        self.in_bfloat16 = form == "bfloat16"
        self.images = torch.rand(batch_size, 1, *image_size, device=self.device)
        mask = torch.zeros(*image_size, device=self.device)
        mask[::4] = 1
        measurement: type[PapersMeasurement | TunedMeasurement] = (
            TunedMeasurement if self.is_tuned else PapersMeasurement
        )
        self.measurement = measurement.of_images(self.images, mask)
        self.teacher, self.student = (
            DCCNN(num_convs, in_place=self.is_tuned).to(self.device) for num_convs in (5, 3)
        )
        trained = self.teacher if stage == "teacher" else self.student
        if self.is_tuned:
            for network in (self.teacher, self.student):
                network.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(trained.parameters(), 1e-3, fused=self.is_tuned)

    def loss(self) -> torch.Tensor:
        """Computes the stage's loss on the batch."""
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

    def run(self, steps: int) -> int:
        """Trains, and returns the number of slices trained on."""
        for _ in range(steps):
            loss = self.loss()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if not self.is_tuned:
                loss.item()
        loss.item()  # waits for a GPU
        return steps * self.batch_size

    def _reconstruct(self, network: DCCNN) -> tuple[torch.Tensor, list[torch.Tensor]]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            return network(self.measurement)


def attention_loss(
    teacher_features: Sequence[torch.Tensor], student_features: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Sums over cascades the distance of normalised attention maps (KD-MRI 2020, equation 4)."""
    distances = [
        torch.linalg.vector_norm(_attention_map(student) - _attention_map(teacher), dim=1)
        for teacher, student in zip(teacher_features, student_features, strict=True)
    ]
    return functools.reduce(torch.add, distances).mean()


def _attention_map(feature: torch.Tensor) -> torch.Tensor:
    return functional.normalize(feature.float().square().sum(dim=1).flatten(1), dim=1)


def prepare(task: Task) -> Work:
    """Sets the stage up; an execution is a step."""
    return Training(**task).run


if __name__ == "__main__":
    take_part(prepare)
