"""Two networks and a batch, for tests of the distiller."""

import keras
import pytest

from kdmri_tf import DCCNN


@pytest.fixture
def networks():
    keras.utils.set_random_seed(0)
    student, teacher = DCCNN(3, 2, filters=6), DCCNN(4, 2, filters=8)
    return teacher, student


@pytest.fixture
def joint_networks():
    """A teacher and a student whose cascades can be its branches."""
    keras.utils.set_random_seed(0)
    return DCCNN(3, 3, filters=6), DCCNN(2, 3, filters=4)


@pytest.fixture
def batch(inputs, images):
    return inputs, images
