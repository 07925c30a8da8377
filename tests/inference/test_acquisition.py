"""What networks are given of a volume: on request, undersampled already, at low resolution."""

import warnings

import numpy as np
import pytest
from stand_in import Copying, ZeroFilling, centered_kspace

from kdmri_tf import gaussian_mask, phantom_volume
from kdmri_tf.errors import InputError
from kdmri_tf.inference.choose_acquisition import acquisition_of
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.samplers import SAMPLERS
from kdmri_tf.physics.undersampling import Undersampling
from kdmri_tf.volumes.kspace_gaps import gap_share
from kdmri_tf.volumes.open_volume import open_volume

SIZES = [(36, 32), (35, 33)]


@pytest.fixture(scope="module", params=SIZES, ids=str)
def truth(request):
    """Three slices, the second blank."""
    images = phantom_volume("knee", request.param, num_slices=3, seed=1)
    images[1] = 0
    return images


@pytest.fixture
def measure(tmp_path):
    """Saves an array and returns all its `MeasuredSlice`s and the acquisition."""

    def run(array, network=None, **wishes):
        np.save(tmp_path / "a.npy", array)
        with open_volume(tmp_path / "a.npy") as volume:
            acquisition = acquisition_of(volume, network or ZeroFilling(), **wishes)
            return [acquisition.measure(index) for index in range(volume.num_slices)], acquisition

    return run


class TestOnRequest:
    def test_inputs_are_those_of_training(self, measure, truth):
        parts, acquisition = measure(700 * truth, acceleration=2, mask_seed=3)
        mask = gaussian_mask(truth.shape[1:], 2, seed=3)
        np.testing.assert_array_equal(acquisition.mask, mask)
        for part, image in zip(parts, truth, strict=True):
            image = image[np.newaxis, ..., np.newaxis] / (image.max() or 1)
            inputs = Undersampling(mask).apply(image)
            np.testing.assert_allclose(part.measurement, inputs["kspace"][0], atol=1e-5)
            zero_filled = Undersampling(mask).baselines["zero-filled"](inputs, image)[0, ..., 0]
            np.testing.assert_allclose(part.degraded, part.scale * zero_filled, atol=2e-3)
            np.testing.assert_allclose(part.target, part.scale * image[0, ..., 0], atol=1e-4)
        assert [part.scale for part in parts] == pytest.approx(700 * truth.max(axis=(1, 2)))

    def test_kspace_is_taken_as_its_magnitude_image(self, measure, truth):
        phase = np.exp(1j * np.linspace(0, 9, truth.shape[2]))
        coils = np.stack([0.6 * truth * phase, 0.8j * truth], axis=1)
        for kspace in (centered_kspace(truth * phase), centered_kspace(coils)):
            for part, image in zip(measure(kspace, acceleration=2)[0], truth, strict=True):
                np.testing.assert_allclose(part.target, image, atol=1e-6)

    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_drawn_masks(self, measure, truth, sampler):
        size = truth.shape[1:]
        wishes = {"mask": sampler, "mask_seed": 5, "center_lines": 4, "phase_encode_axis": 1}
        _, acquisition = measure(truth, acceleration=3, **wishes)
        expected = SAMPLERS[sampler](size, 3, center_lines=4, axis=1, seed=5)
        np.testing.assert_array_equal(acquisition.mask, expected)
        assert f"{sampler} mask, seed 5, true acceleration 3." in acquisition.origin

    def test_drawn_as_the_network_was_trained(self, measure):
        image = np.ones((120, 120))
        network = ZeroFilling(dataset="knee", phase_encode_axis=1)
        _, acquisition = measure(image, network, acceleration=4)
        expected = gaussian_mask((120, 120), 4, center_lines=30, axis=1)
        np.testing.assert_array_equal(acquisition.mask, expected)
        assert len(acquisition.more_inputs) == 1

    def test_mask_of_a_file(self, measure, truth, tmp_path):
        mask = gaussian_mask(truth.shape[1:], 2, axis=1)
        path = tmp_path / "mask.npy"
        np.save(path, mask)
        parts, acquisition = measure(truth, mask=str(path))
        np.testing.assert_array_equal(acquisition.mask, mask)
        assert not parts[0].measurement[mask == 0].any()

    @pytest.mark.parametrize("lower", [None, 2])
    def test_low_resolution(self, measure, truth, lower):
        parts, acquisition = measure(700 * truth, Copying(), scale=lower)
        for part, image in zip(parts, truth, strict=True):
            image = image[np.newaxis, ..., np.newaxis] / (image.max() or 1)
            expected = image if lower is None else LowResolution(2).apply(image)["low_resolution"]
            np.testing.assert_allclose(part.measurement, expected[0], atol=1e-6)
            assert (part.target is None) == (lower is None)
        assert acquisition.more_inputs == ()
        assert acquisition.mask is None


class TestGaps:
    """Undersampled k-space has no target: its image is aliased."""

    @pytest.mark.parametrize("layout", ["coil", "coils", "pairs"])
    @pytest.mark.parametrize(
        ("network", "wishes"),
        [
            (ZeroFilling(), {"acceleration": 2}),
            (ZeroFilling(), {"mask": "mask.npy"}),
            (Copying(), {"scale": 2}),
            (Copying(), {}),
        ],
    )
    def test_are_refused(self, measure, truth, tmp_path, monkeypatch, network, wishes, layout):
        mask = gaussian_mask(truth.shape[1:], 2)
        np.save(tmp_path / "mask.npy", mask)
        monkeypatch.chdir(tmp_path)
        kspace = np.fft.fftshift(mask) * centered_kspace(truth)
        if layout == "coils":
            kspace = kspace[:, np.newaxis].repeat(3, axis=1)
        elif layout == "pairs":
            kspace = mask * np.fft.fft2(truth)
            kspace = np.stack([kspace.real, kspace.imag], axis=-1)
        message = r"slice 0 .* is undersampled, ..% of its samples between measured ones are 0, .*"
        with pytest.raises(InputError, match=message + "without --acc and --mask"):
            measure(kspace, network, **wishes)

    @pytest.mark.parametrize("kept", [slice(4, -4), slice(0, 20), slice(1, None)])
    @pytest.mark.parametrize("axis", [1, 2])
    def test_zeros_at_the_edges_are_none(self, measure, truth, kept, axis):
        kspace = np.zeros(truth.shape, complex)
        inside = (slice(None),) * axis + (kept,)
        kspace[inside] = centered_kspace(truth)[inside]
        parts, _ = measure(kspace, acceleration=2)
        blurred = np.abs(np.fft.ifft2(np.fft.ifftshift(kspace, (1, 2)), norm="ortho"))
        for part, image in zip(parts, blurred, strict=True):
            np.testing.assert_allclose(part.target, np.fft.fftshift(image), atol=1e-6)

    @pytest.mark.parametrize(("lines", "share"), [([3], 0.02), ([10, 11, 20], 0.08), ([], 0)])
    def test_a_line_or_two_may_be_lost(self, measure, truth, lines, share):
        kspace = centered_kspace(truth)
        kspace[:, lines] = 0
        assert gap_share(np.fft.ifftshift(kspace[0] != 0)) == pytest.approx(share, abs=0.01)
        assert measure(kspace, acceleration=2)[0][0].target is not None

    @pytest.mark.parametrize("axis", [0, 1])
    def test_between_rows_and_columns(self, axis):
        samples = np.zeros((40, 36), bool)
        samples[(slice(None),) * axis + (slice(2, None, 3),)] = True
        gaps = gap_share(np.fft.ifftshift(samples))
        assert gaps == pytest.approx(2 / 3, abs=0.03)

    def test_samples_here_and_there(self):
        samples = np.random.default_rng(0).random((200, 200)) < 0.25
        assert gap_share(samples) == pytest.approx(0.75, abs=0.02)

    def test_an_ellipse_has_none(self):
        rows, columns = np.ogrid[-1:1:60j, -1:1:40j]
        assert gap_share(np.fft.ifftshift(rows**2 + columns**2 <= 1)) == 0


def moved(mask):
    """The mask with its first line in another place."""
    lines = mask[:, 0].copy()
    measured, empty = np.flatnonzero(lines), np.flatnonzero(lines == 0)
    lines[[measured[0], empty[-1]]] = 0, 1
    return np.broadcast_to(lines[:, np.newaxis], mask.shape)


class TestUndersampledAlready:
    @pytest.mark.parametrize("axis", [0, 1])
    @pytest.mark.parametrize(
        "turn", [1, -1, 1j, np.exp(2j)], ids=["same", "opposite", "quarter", "any"]
    )
    def test_the_real_image_comes_back_measured(self, measure, truth, axis, turn):
        mask = gaussian_mask(truth.shape[1:], 2, axis=axis)
        measured = np.fft.fftshift(mask) * centered_kspace(700 * turn * truth)
        parts, acquisition = measure(measured)
        np.testing.assert_array_equal(acquisition.mask, mask)
        assert "undersampled already, true acceleration 2." in acquisition.origin
        for part, image in zip(parts, truth, strict=True):
            zero_filled = np.abs(np.fft.ifft2(mask * np.fft.fft2(image)))
            assert part.scale == pytest.approx(700 * zero_filled.max())
            assert part.target is None
            kspace = mask * np.fft.fft2(700 * image, norm="ortho") / (part.scale or 1)
            pairs = np.stack([kspace.real, kspace.imag], axis=-1)
            np.testing.assert_allclose(part.measurement, pairs, atol=1e-5 * np.abs(pairs).max())
            assert not part.measurement[mask == 0].any()

    def test_unshifted_kspace_is_given_as_it_is(self, measure, truth):
        size = truth.shape[1:]
        mask = gaussian_mask(size, 2) * gaussian_mask(size, 2)[::-1]
        kspace = mask * np.fft.fft2(truth, norm="ortho")
        pairs = np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32)
        for part, pair in zip(measure(pairs)[0], pairs, strict=True):
            np.testing.assert_allclose(part.measurement * part.scale, pair, atol=1e-5)

    def test_zeros_within_lines_and_blank_slices_are_no_gaps(self, measure, truth):
        mask = gaussian_mask(truth.shape[1:], 2)
        measured = np.fft.fftshift(mask) * centered_kspace(truth)
        measured[:, :, 3] = 0
        parts, acquisition = measure(measured)
        np.testing.assert_array_equal(acquisition.mask, mask)
        assert parts[1].scale == 0
        assert not parts[1].measurement.any()

    def test_samples_in_no_lines(self, measure, truth):
        mask = np.random.default_rng(0).random(truth.shape[1:]) < 0.5
        measured = np.fft.fftshift(mask) * centered_kspace(truth)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such a mask is far from symmetric
            _, acquisition = measure(measured)
        np.testing.assert_array_equal(acquisition.mask, mask)

    def test_a_smooth_phase_is_taken_out(self, measure, truth):
        rows, columns = np.ogrid[-1 : 1 : truth.shape[1] * 1j, -1 : 1 : truth.shape[2] * 1j]
        phase = np.exp(1j * (2 * rows - 1.5 * columns + rows * columns))
        mask = gaussian_mask(truth.shape[1:], 1.5, center_lines=12)
        parts, _ = measure(np.fft.fftshift(mask) * centered_kspace(truth * phase))
        for part, image in zip(parts, truth, strict=True):
            kspace = part.measurement[..., 0] + 1j * part.measurement[..., 1]
            seen = np.fft.ifft2(kspace, norm="ortho").real * part.scale
            expected = np.fft.ifft2(mask * np.fft.fft2(image)).real
            error = np.linalg.norm(seen - expected) / (np.linalg.norm(expected) or 1)
            turned = np.fft.ifft2(mask * np.fft.fft2(image * phase)).real
            assert error < 0.15 or not image.any()
            assert np.linalg.norm(turned - expected) > 3 * np.linalg.norm(seen - expected) or not (
                image.any()
            )

    def test_warns_of_a_phase_that_varies(self, measure, truth):
        phase = np.exp(2j * np.pi * np.random.default_rng(0).random(truth.shape[1:]))
        mask = np.fft.fftshift(gaussian_mask(truth.shape[1:], 2))
        with pytest.warns(UserWarning, match=r"phase that varies quickly: [345].% of their energy"):
            measure(mask * centered_kspace(truth * phase))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda kspace, mask: kspace, r"is fully sampled: add --acc 4 to undersample it"),
            (lambda kspace, mask: 0 * kspace, "holds nothing but zeros"),
            (lambda kspace, mask: np.abs(kspace), r"holds images: add --acc 4 to undersample them"),
            (
                lambda kspace, mask: (mask * kspace)[:, np.newaxis].repeat(4, axis=1),
                "has 4 coils, but this network reconstructs magnitude images of one coil",
            ),
            (
                lambda kspace, mask: kspace * [mask, mask, np.roll(mask, 5, axis=0)],
                "slice 0 .* lacks samples that other slices have; split the file",
            ),
            (
                lambda kspace, mask: kspace * [mask, mask, moved(mask)],
                "slice 0 .* lacks samples that other slices have; split the file",
            ),
            (
                lambda kspace, mask: kspace * [mask, mask, 1 - mask],
                "slice 0 .* lacks samples that other slices have; split the file",
            ),
        ],
    )
    def test_what_is_refused(self, measure, change, message):
        truth = phantom_volume("knee", (32, 32), num_slices=3, seed=1)
        mask = np.fft.fftshift(gaussian_mask((32, 32), 3, center_lines=4))
        with pytest.raises(InputError, match=message):
            measure(change(centered_kspace(truth), mask))
