"""Complex numbers are refused by metrics and by `evaluate`, not measured by their real part."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    ComplexUndersampling,
    InputError,
    SimulatedAcquisition,
    SlicePSNR,
    equispaced_mask,
    evaluate,
)
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS

REFUSAL = r"must hold real numbers, not complex\d+"
VOLUME = np.ones((1, 32, 32), np.float32)
MASK = equispaced_mask((32, 32), acceleration=2, center_lines=16)
LABELS = {"dataset": "brain", "source": "synthetic", "acceleration": "2x", "progress": False}


def network():
    return DCCNN(2, 1, filters=2)


class Turned(keras.Model):
    def call(self, inputs):
        image = inputs["kspace"][..., :1]
        return tf.complex(image, image)


@pytest.mark.parametrize("place", [0, 1])
def test_in_the_metric_of_slices(place, images):
    pair = [images, images]
    pair[place] = images * np.exp(1j).astype("complex64")
    with pytest.raises(InputError, match=f"{('y_true', 'y_pred')[place]} {REFUSAL}"):
        SlicePSNR().update_state(*pair)
    with pytest.raises(InputError, match=f"sample_weight {REFUSAL}"):
        SlicePSNR().update_state(images, images, sample_weight=np.full(2, 1j))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("metric", VOLUME_METRICS.values())
def test_in_metrics_of_volumes(metric, place):
    pair = [VOLUME, VOLUME]
    pair[place] = VOLUME * 1j
    with pytest.raises(InputError, match=f"The {('target', 'prediction')[place]} {REFUSAL}"):
        metric(*pair)


@pytest.mark.parametrize("name", ["image", "kspace"])
def test_in_a_volume(name):
    degradation = ComplexUndersampling(MASK, acquisition=SimulatedAcquisition(1))
    volume = VOLUME if name == "image" else np.ones((1, 1, 32, 32, 2), np.float32)
    networks = {"student": DCCNN(2, 1, filters=2, complex_images=True)}
    with pytest.raises(InputError, match=f"The {name} of volume heart {REFUSAL}"):
        evaluate(networks, [("heart", volume * 1j)], degradation, **LABELS)
    with pytest.raises(InputError, match=f"The image of volume heart {REFUSAL}"):
        evaluate({"student": network()}, [("heart", VOLUME * 1j)], MASK, **LABELS)


def test_in_reconstructions():
    for networks, baselines in (
        ({"student": Turned()}, None),
        ({"student": network()}, {"turned": lambda inputs: 1j * VOLUME[..., np.newaxis]}),
    ):
        with pytest.raises(InputError, match=f"A reconstruction {REFUSAL}"):
            evaluate(networks, [("heart", VOLUME)], MASK, baselines=baselines, **LABELS)
