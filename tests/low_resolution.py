"""The image at low resolution, written apart from the package."""

import numpy as np


def centre_by_numpy(image, size):
    """|inverse FFT| of the centre of the centred k-space of an image (H, W), written apart."""
    kspace = np.fft.fftshift(np.fft.fft2(image.astype(np.float64), norm="ortho"))
    kept = np.zeros_like(kspace)
    top, left = (full // 2 - part // 2 for full, part in zip(image.shape, size, strict=True))
    window = np.s_[top : top + size[0], left : left + size[1]]
    kept[window] = kspace[window]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kept), norm="ortho"))
