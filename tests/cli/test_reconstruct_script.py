"""`train/reconstruct.py`: volumes through networks of every format, flags and mistakes."""

import subprocess
import sys

import h5py
import nibabel
import numpy as np
import pytest
from command_line import TRAIN, run
from needed_packages import needed
from stand_in import centered_kspace, randomized

from kdmri_tf import DCCNN, VDSR, InputError, gaussian_mask, phantom_volume
from kdmri_tf.export.export_network import export_network
from kdmri_tf.inference.reconstruct_volume import reconstruct_file
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.undersampling import Undersampling


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
        needed(package)
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
    with pytest.raises(
        InputError,
        match=r"is fully sampled: add --acc 4 to undersample it \(in code acceleration=4\)\.",
    ):
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
        "kdmri_tf.inference.reconstruct_volume.reconstruct_file",
        lambda *places, **wishes: asked.append((places, wishes)),
    )
    drawn = ("--mask", "uniform", "--mask-seed", 5, "--center-lines", 7, "--phase-encode-axis", 1)
    raw = ("--coils", 4, "--sensitivities", "espirit", "--readout-rows", 20, "--phase")
    run_here(
        *("reconstruct", "m", "i", "o"),
        *("--acc", 3, "--scale", 2, "--batch-size", 9, *drawn, *raw),
    )
    wishes = {
        **{"coils": 4, "sensitivities": "espirit", "readout_rows": 20, "phase": True},
        **{"acceleration": 3.0, "scale": 2.0, "batch_size": 9},
        **{"mask": "uniform", "mask_seed": 5, "center_lines": 7, "phase_encode_axis": 1},
    }
    assert asked == [(("m", "i", "o"), wishes)]


def test_mistakes_end_in_one_line(tmp_path):
    source = tmp_path / "a.npy"
    np.save(source, np.ones((1, 36, 34), np.float32))
    _, error = run("reconstruct", "no.keras", source, tmp_path / "b.npy", "--acc", 4, expect=2)
    assert error == "error: There is no model no.keras.\n"
    _, error = run("reconstruct", "no.keras", source, tmp_path / "b.mat", "--acc", 4, expect=2)
    assert error.startswith(f"error: {tmp_path / 'b.mat'} has an unknown suffix")
    assert error.count("\n") == 1
