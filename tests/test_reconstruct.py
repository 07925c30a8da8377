"""`train/reconstruct.py`: whole volumes through networks of every format."""

import subprocess
import sys

import h5py
import nibabel
import numpy as np
import pytest
from command_line import TRAIN, run
from PIL import Image
from stand_in import Copying, ZeroFilling, centered_kspace, randomized

from kdmri_tf import DCCNN, VDSR, InputError, gaussian_mask, phantom_volume
from kdmri_tf.acquisition_choice import acquisition_of
from kdmri_tf.degradation import LowResolution, Undersampling
from kdmri_tf.export import export_network
from kdmri_tf.reconstruction import reconstruct_file, reconstruct_slices
from kdmri_tf.reconstructor import Reconstructor
from kdmri_tf.volume_files import open_volume

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
        with pytest.warns(UserWarning, match=r"trained on acceleration 4.00, .* has 2.00; expect"):
            reconstruct_file(network, source, tmp_path / "b.npy", acceleration=2)

    def test_names_that_look_like_formulas(self, truth, tmp_path):
        np.save(tmp_path / "a$b_{$.npy", truth)
        reconstruct_file(ZeroFilling(), tmp_path / "a$b_{$.npy", tmp_path / "b.npy", acceleration=2)
        assert (tmp_path / "b.png").is_file()

    def test_preview_is_the_right_way_up(self, source, tmp_path, monkeypatch):
        shown = []
        monkeypatch.setattr(
            "kdmri_tf.reconstruction.preview_figure", lambda *arguments: shown.append(arguments[-1])
        )
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
            InputError, match=r"zero_filling\.onnx makes NaN or infinity of slice 1"
        ):
            reconstruct_file(Diverged(), source, tmp_path / "b.npy", acceleration=2)
        assert [path.name for path in tmp_path.iterdir()] == ["in"]

    def test_input_and_mask_are_not_overwritten(self, source, tmp_path):
        np.save(tmp_path / "mask.npy", gaussian_mask(SIZE, 2))
        for output in (source, tmp_path / "mask.npy"):
            with pytest.raises(InputError, match="would overwrite what is read"):
                reconstruct_file("no model", source, output, mask=str(tmp_path / "mask.npy"))


@pytest.fixture(scope="module")
def networks():
    """Tiny networks with random weights."""
    return {"dccnn": DCCNN(2, 1, filters=2), "vdsr": randomized(VDSR(2, filters=2))}


@pytest.fixture(scope="module")
def model_file(networks, tmp_path_factory):
    """Saves or exports one of them and returns the path."""
    folder = tmp_path_factory.mktemp("models")

    def write(name, form):
        network = networks[name]
        path = folder / f"{name}-{form}{SUFFIXES[form]}"
        if form == "keras":
            network.save(path)
        else:
            export_network(network, path, form, image_size=(95, 80), phase_encode_axis=0)
        return path

    return write


SUFFIXES = {
    "keras": ".keras",
    "saved_model": "",
    "litert": ".tflite",
    "onnx": ".onnx",
    "openvino": "",
}
NEEDED = {
    "litert": ["ai_edge_litert"],
    "onnx": ["onnx", "onnxruntime", "tf2onnx"],
    "openvino": ["openvino"],
}


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", ["dccnn", "vdsr"])
def test_every_format(networks, model_file, tmp_path, name, form, capsys):
    """Those without TensorFlow by the script, in a process of its own."""
    for package in NEEDED.get(form, []):
        pytest.importorskip(package)
    size = (95, 80)  # of the LiteRT file
    images = phantom_volume("knee", size, num_slices=3, seed=2)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"] = centered_kspace(images).astype(np.complex64)
    arguments = model_file(name, form), tmp_path / "a.h5", tmp_path / "b.h5"
    if form in NEEDED:
        wishes = {"dccnn": ("--acc", 4, "--mask-seed", 1), "vdsr": ("--scale", 4)}[name]
        said = run_without_tensorflow(*arguments, "--batch-size", 2, *wishes)
    else:
        wishes = {"dccnn": {"acceleration": 4, "mask_seed": 1}, "vdsr": {"scale": 4}}[name]
        reconstruct_file(*arguments, batch_size=2, **wishes)
        said = capsys.readouterr().out
    assert f"({form})" in said
    assert "3 slices" in said
    degradations = {
        "dccnn": lambda: Undersampling(gaussian_mask(size, 4, seed=1)),
        "vdsr": lambda: LowResolution(4),
    }
    scale = images.max(axis=(1, 2), keepdims=True)[..., np.newaxis]
    expected = scale * networks[name](degradations[name]().apply(images[..., np.newaxis] / scale))
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_allclose(file["reconstruction"], expected[..., 0], atol=2e-5)


def run_without_tensorflow(*arguments):
    """The script's standard output; fails if TensorFlow or Keras was imported for it."""
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[0], run_name='__main__'); "
        "sys.exit(bool({'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules)))"
    )
    script = TRAIN / "reconstruct.py"
    code = f"import sys; sys.path.insert(0, {str(TRAIN)!r}); sys.argv[0] = {str(script)!r}; {code}"
    words = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_real_files_of_fastmri(shared, model_file, tmp_path, capsys):
    path = shared / "data" / "knee" / "fastmri" / "singlecoil_val" / "fse_P11.h5"
    network = Reconstructor(model_file("dccnn", "keras"))
    with pytest.raises(InputError, match=r"is fully sampled: add --acc 4 to undersample it\."):
        reconstruct_file(network, path, tmp_path / "b.nii.gz")
    wishes = {"acceleration": 4, "center_lines": 30, "phase_encode_axis": 1}
    reconstruct_file(network, path, tmp_path / "b.nii.gz", **wishes)
    said = capsys.readouterr().out
    assert "320x256, undersampled by a gaussian mask, seed 0, true acceleration 4.00" in said
    assert nibabel.load(tmp_path / "b.nii.gz").shape == (256, 320, 1)
    mask = np.fft.fftshift(gaussian_mask((320, 256), 4, 30, axis=1))
    with h5py.File(path) as file, h5py.File(tmp_path / "u.h5", "w") as undersampled:
        undersampled["kspace"] = file["kspace"][()] * mask
    reconstruct_file(network, tmp_path / "u.h5", tmp_path / "c.npy")
    assert "undersampled already, true acceleration 4.00" in capsys.readouterr().out
    simulated = nibabel.load(tmp_path / "b.nii.gz").get_fdata()[..., 0].T
    from_raw = np.load(tmp_path / "c.npy")[0]
    # The smooth phase of the raw data costs little against k-space of the magnitude image.
    assert np.linalg.norm(from_raw - simulated) < 0.1 * np.linalg.norm(simulated)


def test_flags_reach_the_reconstruction(monkeypatch, run_here):
    asked = []
    monkeypatch.setattr(
        "kdmri_tf.reconstruction.reconstruct_file",
        lambda *places, **wishes: asked.append((places, wishes)),
    )
    drawn = ("--mask", "uniform", "--mask-seed", 5, "--center-lines", 7, "--phase-encode-axis", 1)
    run_here("reconstruct", "m", "i", "o", "--acc", 3, "--scale", 2, "--batch-size", 9, *drawn)
    wishes = {
        **{"acceleration": 3.0, "scale": 2.0, "batch_size": 9},
        **{"mask": "uniform", "mask_seed": 5, "center_lines": 7, "phase_encode_axis": 1},
    }
    assert asked == [(("m", "i", "o"), wishes)]


def test_mistakes_end_in_one_line(source, tmp_path):
    _, error = run("reconstruct", "no.keras", source, tmp_path / "b.npy", "--acc", 4, expect=2)
    assert error == "error: There is no model no.keras.\n"
    _, error = run("reconstruct", "no.keras", source, tmp_path / "b.mat", "--acc", 4, expect=2)
    assert error.startswith(f"error: {tmp_path / 'b.mat'} is of no known kind")
    assert error.count("\n") == 1
