"""Arrays are trained on as the documentation says, and those of another shape are refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kdmri_tf
from kdmri_tf import InputError

PAGE = Path(__file__).parents[2] / "docs/data.md"


def test_code_of_the_documentation():
    text = PAGE.read_text(encoding="utf-8").partition("### Arrays in memory")[2]
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    small = code.replace("DCCNN(3, 5)", "DCCNN(2, 1, filters=2)").replace("epochs=50", "epochs=2")
    assert small.count("filters=2") == small.count("epochs=2") == 1
    names = {"images": kdmri_tf.phantom_volume("brain", (48, 40), 4, seed=0)}
    exec(small, names)
    assert len(names["student"].history.history["loss"]) == 2
    inputs, image = next(iter(names["batches"]))
    assert inputs["kspace"].shape == (4, 48, 40, 2)
    assert image.shape == (4, 48, 40, 1)


@pytest.mark.parametrize("shape", [(3, 48, 40), (48, 40), (3, 48, 40, 2), (1, 3, 48, 40, 1)])
def test_images_of_another_shape_are_refused(shape):
    undersampling = kdmri_tf.Undersampling(np.ones((48, 40)))
    message = r"images must be \(batch, H, W, 1\)"
    for degradation in (undersampling, kdmri_tf.LowResolution(2)):
        for images in (np.ones(shape, np.float32), tf.ones(shape)):
            with pytest.raises(InputError, match=message):
                degradation.apply(images)
    batches = tf.data.Dataset.from_tensor_slices(tf.ones((2, *shape)))
    with pytest.raises(Exception, match=message):  # AutoGraph wraps the error in one of its own
        batches.map(undersampling.apply)
