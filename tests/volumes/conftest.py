"""Fixtures of k-space volumes."""

import numpy as np
import pytest

SIZE = (16, 13)


@pytest.fixture
def images():
    """Images (slices, coils, H, W), bright in the middle."""
    rng = np.random.default_rng(0)
    draw = rng.normal(size=(2, 3, 4, *SIZE))
    return (4 + draw[0] + 1j * draw[1]).astype(np.complex64)
