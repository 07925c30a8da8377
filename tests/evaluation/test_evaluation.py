"""Evaluation: values against direct computation, figure slices, times, bad input."""

import sys

import keras
import numpy as np
import pytest
import scipy.stats

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.evaluate import evaluate
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS, psnr
from kdmri_tf.physics.fourier import kspace_to_magnitude
from kdmri_tf.physics.samplers import gaussian_mask

SIZE = (24, 20)
WHERE = {"dataset": "cardiac", "source": "acdc", "acceleration": "4x"}


class Brightened(keras.Model):
    """A stand-in for a network: the zero-filled image times a gain, with one parameter."""

    def __init__(self, gain):
        super().__init__()
        self.gain = self.add_weight(shape=(), initializer=keras.initializers.Constant(gain))

    def call(self, inputs):
        return kspace_to_magnitude(inputs["kspace"]) * self.gain


@pytest.fixture
def mask():
    return gaussian_mask(SIZE, acceleration=3, center_lines=4)


@pytest.fixture
def volumes():
    """Seven volumes of one to seven smooth slices, each slice with maximum 1."""
    generator = np.random.default_rng(1)
    named = []
    for number in range(1, 8):
        images = generator.uniform(size=(number, *SIZE)).cumsum(axis=1).cumsum(axis=2)
        images += 40 * generator.uniform(size=images.shape)
        images /= images.max(axis=(1, 2), keepdims=True)
        named.append((f"patient{number:03d}", images.astype(np.float32)))
    return named


@pytest.fixture
def networks():
    return {"teacher": Brightened(1.0), "student": Brightened(0.9), "KD student": Brightened(0.95)}


@pytest.fixture
def evaluation(networks, volumes, mask):
    return evaluate(networks, volumes, mask, progress=False, **WHERE)


def zero_filled(images, mask):
    kspace = np.fft.fft2(images.astype(np.float64), norm="ortho") * mask
    return np.abs(np.fft.ifft2(kspace, norm="ortho"))


def test_values_equal_direct_computation(evaluation, volumes, mask):
    gains = {"zero-filled": 1, "teacher": 1, "student": 0.9, "KD student": 0.95}
    assert list(evaluation.networks) == list(gains)
    records = iter(evaluation.records)
    for volume, images in volumes:
        for network, gain in gains.items():
            record = next(records)
            facts = record["volume"], record["network"], record["slices"]
            assert facts == (volume, network, len(images))
            for name, metric in VOLUME_METRICS.items():
                expected = metric(images, gain * zero_filled(images, mask))
                assert record[name] == pytest.approx(expected, rel=1e-4)
    assert next(records, None) is None


def test_batch_size_does_not_change_the_values(evaluation, networks, volumes, mask):
    for batch_size in (1, 3):
        other = evaluate(networks, volumes, mask, batch_size, progress=False, **WHERE)
        for record, expected in zip(other.records, evaluation.records, strict=True):
            assert record.keys() == expected.keys()
            for metric in VOLUME_METRICS:
                assert record[metric] == pytest.approx(expected[metric], rel=1e-5)


def test_progress_bar_on_a_terminal(volumes, mask, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    evaluate({}, volumes, mask, **WHERE)
    assert "7/7" in capsys.readouterr().err
    evaluate({}, volumes, mask, progress=False, **WHERE)
    assert capsys.readouterr().err == ""


def test_volumes_may_be_a_generator_and_no_network_is_needed(volumes, mask, capsys):
    alone = evaluate({}, (volume for volume in volumes), mask, **WHERE)
    assert [record["network"] for record in alone.records] == ["zero-filled"] * 7
    assert capsys.readouterr().err == "", "no progress bar where there is no terminal"
    assert alone.to_markdown().count("\n| ") == 3
    assert "student" not in alone.to_markdown()


def test_networks_are_counted_and_timed(evaluation):
    assert evaluation.networks["zero-filled"] == {"parameters": None, "milliseconds": None}
    assert evaluation.networks["teacher"]["parameters"] == 1
    assert 0 < evaluation.networks["teacher"]["milliseconds"] < 1000


def test_times_are_of_a_graph_for_one_slice(volumes, mask):
    """A batch of unknown size would be divided among the cores, and most parts be empty."""

    class Recording(Brightened):
        batch_sizes = ()

        def call(self, inputs):
            self.batch_sizes += (inputs["kspace"].shape[0],)
            return super().call(inputs)

    network = Recording(1.0)
    evaluate({"student": network}, volumes, mask, progress=False, **WHERE)
    assert network.batch_sizes == (None, 1)


def test_figure_slices_are_good_median_and_bad_by_the_last_network(evaluation, volumes, mask):
    images = dict(volumes)
    everything = [
        psnr(image[None], 0.95 * zero_filled(image, mask)[None])
        for _, volume in volumes
        for image in volume
    ]
    ranks = []
    for shown in evaluation.figure_slices:
        np.testing.assert_array_equal(shown.target, images[shown.volume][shown.index])
        expected = 0.95 * zero_filled(shown.target, mask)
        np.testing.assert_allclose(shown.reconstructions["KD student"], expected, atol=1e-5)
        decibels = psnr(shown.target[None], shown.reconstructions["KD student"][None])
        ranks.append(scipy.stats.percentileofscore(everything, decibels))
    assert [shown.label for shown in evaluation.figure_slices] == ["good", "median", "bad"]
    assert ranks == pytest.approx([90, 50, 10], abs=12)


def test_blank_slices_and_a_single_slice_leave_a_figure(volumes, mask):
    image = volumes[0][1]
    with_blank = np.concatenate([np.zeros_like(image), image])
    alone = evaluate({}, [("one", with_blank)], mask, progress=False, **WHERE)
    assert [shown.index for shown in alone.figure_slices] == [1]


def test_title_fields(volumes, mask):
    where = {"dataset": "cardiac", "source": "synthetic", "acceleration": "3x"}
    alone = evaluate({}, volumes[:2], mask, progress=False, **where)
    assert alone.title == (
        "SYNTHETIC data, not MRI: cardiac (synthetic), 3x (true acceleration 3.00)"
    )


def test_bad_input_is_refused(networks, volumes, mask):
    def run(networks=networks, volumes=volumes, mask=mask, **options):
        evaluate(networks, volumes, mask, progress=False, **WHERE, **options)

    with pytest.raises(InputError, match="no volume to evaluate"):
        run(volumes=[])
    with pytest.raises(InputError, match=r"mask has shape \(20, 24\).*\(24, 20\)"):
        run(mask=mask.T)
    with pytest.raises(InputError, match="network student returns NaN or infinity on volume pat"):
        run(networks={"student": Brightened(np.nan)})
    with pytest.raises(InputError, match='"zero-filled" is the row without a network: give'):
        run(networks={"zero-filled": networks["student"]})
    with pytest.raises(InputError, match="batch size must be at least 1, not 0"):
        run(batch_size=0)
    with pytest.raises(InputError, match=r"Volume flat must have the shape .* not \(24, 20\)"):
        run(volumes=[("flat", np.ones(SIZE, np.float32))])
    with pytest.raises(InputError, match=r"Volume loud must hold finite values in \[0, 1\]"):
        run(volumes=[("loud", np.full((1, *SIZE), 2, np.float32))])
    with pytest.raises(InputError, match="Volume broken must hold finite values"):
        run(volumes=[("broken", np.full((1, *SIZE), np.nan, np.float32))])
    with pytest.raises(InputError, match=r"Volume dark cannot be measured.*target is blank"):
        run(volumes=[("dark", np.zeros((1, *SIZE), np.float32))])
