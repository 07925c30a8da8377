"""Evaluation of complex networks: magnitudes against the target's, raw k-space and simulated."""

import keras
import numpy as np
import pytest

from kdmri_tf import (
    ComplexUndersampling,
    InputError,
    SimulatedAcquisition,
    equispaced_mask,
    evaluate,
    phantom_volume,
)
from kdmri_tf.evaluation import figure_slices
from kdmri_tf.evaluation.figure_slices import FigureCandidates
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS
from kdmri_tf.physics.complex_undersampling import sense_operator

SIZE = (40, 36)
WHERE = {"dataset": "brain", "source": "folder_kspace", "acceleration": "2x, 2 coils, raw"}
MASK = equispaced_mask(SIZE, acceleration=2, center_lines=12)


class Turned(keras.Model):
    """A stand-in for a network: the zero-filled image times a factor, its phase another."""

    def __init__(self, gain):
        super().__init__()
        self.gain = self.add_weight(shape=(), initializer=keras.initializers.Constant(gain))

    def call(self, inputs):
        image = sense_operator(inputs).adjoint(inputs["kspace"])
        return self.gain * keras.ops.stack([-image[..., 1], image[..., 0]], axis=-1)


@pytest.fixture(scope="module")
def volumes():
    """Three volumes of k-space of two coils."""
    acquire = SimulatedAcquisition(2, snr=50)
    return [
        (
            f"patient{seed}",
            np.stack(
                [
                    acquire(image[..., np.newaxis], (seed, index))["kspace"]
                    for index, image in enumerate(phantom_volume("brain", SIZE, 2, seed))
                ]
            ),
        )
        for seed in range(3)
    ]


def measured(volumes, networks, degradation=None, **options):
    degradation = degradation or ComplexUndersampling(MASK, coils=2)
    return evaluate(networks, volumes, degradation, progress=False, **WHERE, **options)


def test_magnitudes_are_measured_each_slice_over_its_targets_maximum(volumes):
    found = measured(volumes, {"student": Turned(0.9)})
    assert list(found.networks) == ["zero-filled", "student"]
    undersampling = ComplexUndersampling(MASK, coils=2)
    for number, (_, kspace) in enumerate(volumes):
        inputs, target = undersampling.pair(kspace=kspace)
        image = sense_operator(inputs).adjoint(inputs["kspace"])
        target, image = (np.linalg.norm(part, axis=-1) for part in (target, image))
        peak = target.max(axis=(1, 2), keepdims=True)
        for name, gain in (("zero-filled", 1), ("student", 0.9)):
            for metric, function in VOLUME_METRICS.items():
                expected = function(target / peak, gain * image / peak)
                assert found.values(name, metric)[number] == pytest.approx(expected, rel=1e-3)
    shown = found.figure_slices[0]
    assert shown.target.shape == SIZE
    assert shown.target.max() == pytest.approx(1)
    assert found.networks["student"]["milliseconds"] > 0


def test_images_are_scanned_the_same_way_every_time(volumes):
    degradation = ComplexUndersampling(MASK, coils=2, acquisition=SimulatedAcquisition(2))
    images = [("phantom", phantom_volume("brain", SIZE, 3, 0))]
    first, second = (
        measured(images, {}, degradation, batch_size=size).values("zero-filled", "psnr")
        for size in (1, 3)
    )
    assert first == pytest.approx(second, rel=1e-4)


def test_other_rows_without_a_network(volumes):
    def blurred(inputs):
        return sense_operator(inputs).adjoint(inputs["kspace"]).numpy() * 0.5

    found = measured(volumes, {}, baselines={"half": blurred})
    assert list(found.networks) == ["zero-filled", "half"]
    assert found.networks["half"] == {"parameters": None, "milliseconds": None}
    assert (found.values("half", "psnr") < found.values("zero-filled", "psnr")).all()
    assert list(found.figure_slices[0].reconstructions) == ["zero-filled", "half"]
    with pytest.raises(InputError, match='"half" is the row without a network'):
        measured(volumes, {"half": Turned(1)}, baselines={"half": blurred})


def test_figures_of_much_kspace_do_not_fill_the_memory(volumes, monkeypatch):
    one_slice = {"kspace": volumes[0][1][:1]}
    monkeypatch.setattr(figure_slices, "LARGEST_MEMORY", 20 * one_slice["kspace"].nbytes)
    candidates = FigureCandidates()
    target = np.ones((1, 4, 4), np.float32)
    for number in np.random.default_rng(0).permutation(100):
        candidates.add(f"{number}", one_slice, target, target + 0.01 * (number + 1))
        assert len(candidates._offers) <= 20
    chosen = [int(name) for name, _, _ in candidates.choose().values()]
    np.testing.assert_allclose(chosen, [9, 49, 89], atol=8)


def test_refusals(volumes):
    with pytest.raises(InputError, match="must have k-space of the shape"):
        measured([("flat", {"kspace": np.ones((2, *SIZE, 2), np.float32)})], {})
    broken = volumes[0][1].copy()
    broken[0, 0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="The k-space of volume broken holds NaN or infinity"):
        measured([("broken", broken)], {})
    with pytest.raises(InputError, match="The k-space has 2 coils, but 3 are expected"):
        measured(volumes, {}, ComplexUndersampling(MASK, coils=3))
