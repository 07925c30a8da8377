"""Networks without training or without weights, for tests of what surrounds a network."""

import numpy as np


def randomized(network):
    """The network, every weight drawn: a new `VDSR` is the identity, and would agree with any."""
    generator = np.random.default_rng(0)
    network.set_weights([generator.normal(0, 0.1, w.shape) for w in network.get_weights()])
    return network


class ZeroFilling:
    """Has the interface of a `Reconstructor` and gives the real part of the zero-filled image."""

    path = "zero_filling.onnx"
    format = "onnx"
    input_names = ("kspace", "mask")
    complex_images = False
    coils = None

    def __init__(self, **metadata):
        self.metadata = metadata
        self.batches = []

    def check_image_size(self, image_size):
        """Takes all."""

    def check_mask(self, mask):
        """Takes all."""

    def __call__(self, kspace, mask):
        self.batches.append((kspace, mask))
        image = np.fft.ifft2(kspace[..., 0] + 1j * kspace[..., 1], norm="ortho").real
        return image[..., np.newaxis].astype(np.float32)


class ComplexZeroFilling(ZeroFilling):
    """Gives A^H y, the zero-filled complex image of one coil or several."""

    path = "complex_zero_filling.onnx"
    input_names = ("kspace", "mask", "sensitivities")
    complex_images = True

    def __init__(self, coils=None, **metadata):
        super().__init__(complex_images=True, **metadata)
        self.coils = coils

    def __call__(self, kspace, mask, sensitivities=None):
        images = np.fft.ifft2(kspace[..., 0] + 1j * kspace[..., 1], norm="ortho")
        if sensitivities is not None:
            images = images * (sensitivities[..., 0] - 1j * sensitivities[..., 1])
        image = images.sum(axis=1)
        return np.stack([image.real, image.imag], axis=-1).astype(np.float32)


class Copying(ZeroFilling):
    """Gives the image at low resolution back."""

    path = "copying.onnx"
    input_names = ("low_resolution",)

    def __call__(self, low_resolution):
        self.batches.append((low_resolution,))
        return low_resolution


def centered_kspace(images):
    """Centred k-space of images `(..., H, W)` as fastMRI has it."""
    images = np.fft.ifftshift(images, axes=(-2, -1))
    return np.fft.fftshift(np.fft.fft2(images, norm="ortho"), axes=(-2, -1))
