"""Whole volumes through a network: slices in batches, the written volume, its preview."""

import os

import h5py
import nibabel
import numpy as np
import pytest
from PIL import Image
from stand_in import Copying, ZeroFilling

from kdmri_tf import InputError, gaussian_mask, phantom_volume
from kdmri_tf.inference.choose_acquisition import acquisition_of
from kdmri_tf.inference.reconstruct_volume import reconstruct_file, reconstruct_slices
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (36, 34)


@pytest.fixture
def truth():
    """Six slices, of which the first and the last are blank."""
    images = 300 * phantom_volume("cardiac", SIZE, num_slices=6, seed=1)
    images[[0, -1]] = 0
    return images


@pytest.fixture
def source(tmp_path, truth):
    """A volume in a folder of its own."""
    path = tmp_path / "in" / "heart.nii.gz"
    path.parent.mkdir()
    affine = np.diag([-2.0, 1.5, 8, 1])
    nibabel.save(nibabel.Nifti1Image(truth.transpose(2, 1, 0), affine), path)
    return path


class TestSlices:
    @pytest.mark.parametrize("batch_size", [1, 4, 99])
    def test_batches_and_blank_slices(self, source, truth, batch_size):
        network = ZeroFilling()
        with open_volume(source) as volume:
            acquisition = acquisition_of(volume, network, acceleration=1)
            parts = list(reconstruct_slices(network, acquisition, len(truth), batch_size))
        assert [part.index for part in parts] == list(range(6))
        np.testing.assert_allclose([part.image for part in parts], truth, atol=1e-3)
        seen = [kspace.shape[0] for kspace, _ in network.batches]
        assert seen == {1: [1, 1, 1, 1], 4: [3, 1], 99: [4]}[batch_size]
        assert [part.seconds is None for part in parts] == [True, *[False] * 4, True]
        assert parts[0].psnr is None
        assert parts[1].psnr > 90

    @pytest.mark.parametrize("kind", ["keras", "saved_model"])
    def test_times_are_without_the_first_call(self, source, truth, kind):
        """In which TensorFlow makes its graph."""
        network = ZeroFilling()
        network.format = kind
        with open_volume(source) as volume:
            acquisition = acquisition_of(volume, network, acceleration=1)
            parts = list(reconstruct_slices(network, acquisition, len(truth), batch_size=4))
        np.testing.assert_allclose([part.image for part in parts], truth, atol=1e-3)
        assert [len(kspace) for kspace, _ in network.batches] == [1, 3, 1]
        assert all(mask.shape == SIZE for _, mask in network.batches)

    def test_reads_a_batch_at_a_time(self, source, truth):
        network = Copying()
        with open_volume(source) as volume:
            acquisition = acquisition_of(volume, network)
            read = []
            measure = acquisition.measure
            acquisition.measure = lambda index: read.append(index) or measure(index)
            slices = reconstruct_slices(network, acquisition, len(truth), batch_size=2)
            next(slices)
            assert read == [0, 1]
            next(slices)
            next(slices)
            assert read == [0, 1, 2, 3]

    def test_psnr_of_a_slice(self, source, truth):
        network = ZeroFilling()
        with open_volume(source) as volume:
            acquisition = acquisition_of(volume, network, acceleration=2)
            part = list(reconstruct_slices(network, acquisition, len(truth)))[2]
        kspace = gaussian_mask(SIZE, 2) * np.fft.fft2(truth[2])
        images = np.fft.ifft2(kspace).real, np.abs(np.fft.ifft2(kspace))
        for image, psnr in zip(images, (part.psnr, part.degraded_psnr), strict=True):
            error = np.mean((image - truth[2]) ** 2)
            assert psnr == pytest.approx(10 * np.log10(truth[2].max() ** 2 / error), abs=1e-3)


class TestFile:
    def test_volume_and_preview(self, source, truth, tmp_path, capsys):
        network = ZeroFilling(architecture="D2C1", dataset="cardiac", source="synthetic")
        output = tmp_path / "heart.nii.gz"
        output.write_text("earlier")
        reconstruct_file(network, source, output, acceleration=2, batch_size=4)
        written = nibabel.load(output)
        kspace = gaussian_mask(SIZE, 2) * np.fft.fft2(truth)
        expected = np.fft.ifft2(kspace).real
        np.testing.assert_allclose(written.get_fdata(), expected.transpose(2, 1, 0), atol=1e-3)
        np.testing.assert_array_equal(written.affine, nibabel.load(source).affine)
        note = "D2C1, trained on SYNTHETIC cardiac data; not for clinical use"
        assert written.header["descrip"].item().decode() == note
        with Image.open(tmp_path / "heart.png") as preview:
            assert preview.text["Title"] == f"heart.nii.gz\n{note}"
        said = capsys.readouterr().out
        assert f"Model zero_filling.onnx (onnx): {note}." in said
        assert "36x34, undersampled by a gaussian mask, seed 0, true acceleration 2.00." in said
        error = np.mean((expected - truth)[1:-1] ** 2, axis=(1, 2))
        psnr = np.mean(10 * np.log10(truth[1:-1].max(axis=(1, 2)) ** 2 / error))
        assert f"{output}: 6 slices, " in said
        assert f" ms a slice in the network, PSNR {psnr:.2f} dB a slice (zero-filled" in said
        assert {path.name for path in tmp_path.iterdir()} == {"in", "heart.nii.gz", "heart.png"}

    def test_preview_shows_the_target_only_where_it_is_known(self, source, tmp_path, capsys):
        widths = {}
        for scale in (None, 2):
            reconstruct_file(Copying(), source, tmp_path / "out.npy", scale=scale)
            with Image.open(tmp_path / "out.png") as preview:
                widths[scale] = preview.width
        assert widths[None] < widths[2]
        taken, lowered = capsys.readouterr().out.split("Model")[1:]
        assert "taken as low resolution" in taken
        assert "PSNR" not in taken
        assert "lowered to the centre 18x17 of k-space" in lowered
        assert "(low resolution " in lowered

    @pytest.mark.parametrize(
        ("facts", "note"),
        [
            ({}, "zero_filling.onnx, trained on unknown data; not for clinical use"),
            (
                {"architecture": "D3C5", "dataset": "knee", "source": "fastmri"},
                "D3C5, trained on knee data (fastmri); not for clinical use",
            ),
        ],
    )
    def test_says_what_the_network_was_trained_on(self, source, tmp_path, capsys, facts, note):
        reconstruct_file(
            ZeroFilling(**facts), source, tmp_path / "b.h5", acceleration=2, center_lines=4
        )
        assert f"(onnx): {note}.\n" in capsys.readouterr().out
        with h5py.File(tmp_path / "b.h5") as file:
            assert file.attrs["note"] == note

    def test_blank_volume(self, tmp_path, capsys):
        np.save(tmp_path / "a.npy", np.zeros((2, *SIZE)))
        reconstruct_file(ZeroFilling(), tmp_path / "a.npy", tmp_path / "b.npy", acceleration=2)
        assert not np.load(tmp_path / "b.npy").any()
        assert "2 slices, all blank" in capsys.readouterr().out

    def test_failure_leaves_nothing(self, truth, tmp_path):
        truth[4, 0, 0] = np.inf
        np.save(tmp_path / "a.npy", truth)
        with pytest.raises(InputError, match=r"contains NaN or infinity in slice 4 "):
            reconstruct_file(ZeroFilling(), tmp_path / "a.npy", tmp_path / "b.h5", acceleration=2)
        assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]

    def test_warns_of_what_the_network_was_not_trained_on(self, source, tmp_path):
        network = ZeroFilling(image_size=SIZE, acceleration=4.0)
        with pytest.warns(UserWarning, match=r"trained on acceleration 4.00, .* has 2.00; image"):
            reconstruct_file(network, source, tmp_path / "b.npy", acceleration=2)

    def test_names_that_look_like_formulas(self, truth, tmp_path):
        np.save(tmp_path / "a$b_{$.npy", truth)
        reconstruct_file(ZeroFilling(), tmp_path / "a$b_{$.npy", tmp_path / "b.npy", acceleration=2)
        assert (tmp_path / "b.png").is_file()

    def test_names_that_are_not_utf8(self, truth, tmp_path):
        source, output = (tmp_path / os.fsdecode(name) for name in (b"h\xe4.npy", b"\xe4.nii"))
        np.save(source, truth)
        reconstruct_file(ZeroFilling(), source, output, acceleration=2)
        assert output.is_file()
        assert output.with_suffix(".png").is_file()

    def test_a_preview_that_cannot_be_drawn_costs_no_volume(self, source, tmp_path, monkeypatch):
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
        with pytest.warns(UserWarning, match=r"b\.png could not be drawn \(division by zero\)"):
            reconstruct_file(ZeroFilling(), source, tmp_path / "b.npy", acceleration=2)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["b.npy", "in"]

    def test_preview_is_the_right_way_up(self, source, tmp_path, monkeypatch):
        shown = []

        def preview(slices, path, title, degraded_name, flip):
            path.touch()
            shown.append(flip)

        monkeypatch.setattr("kdmri_tf.inference.reconstruct_volume.preview_figure", preview)
        reconstruct_file(ZeroFilling(), source, tmp_path / "b.npy", acceleration=2)
        with open_volume(source) as volume:
            assert shown == [volume.grid.first_row_is_lowest] == [True]

    def test_batches_of_no_slices(self, source, tmp_path):
        with pytest.raises(InputError, match="batch_size must be at least 1; got 0"):
            reconstruct_file(ZeroFilling(), source, tmp_path / "b.npy", batch_size=0)

    def test_network_that_diverged(self, source, tmp_path):
        class Diverged(ZeroFilling):
            def __call__(self, kspace, mask):
                return np.full((len(kspace), *SIZE, 1), np.nan, np.float32)

        with pytest.raises(
            InputError, match=r"zero_filling\.onnx returns NaN or infinity for slice 1"
        ):
            reconstruct_file(Diverged(), source, tmp_path / "b.npy", acceleration=2)
        assert [path.name for path in tmp_path.iterdir()] == ["in"]

    def test_input_and_mask_are_not_overwritten(self, source, tmp_path):
        np.save(tmp_path / "mask.npy", gaussian_mask(SIZE, 2))
        for output in (source, tmp_path / "mask.npy"):
            with pytest.raises(InputError, match="would overwrite an input"):
                reconstruct_file("no model", source, output, mask=str(tmp_path / "mask.npy"))
