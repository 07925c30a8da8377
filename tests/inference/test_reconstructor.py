"""One object runs every format, from several threads, and refuses what it cannot take."""

import gc
import shutil
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import nibabel
import numpy as np
import pytest
from needed_packages import needed

from kdmri_tf import DCCNN, InputError, Reconstructor, Undersampling, export_network
from kdmri_tf.export.check_samples import synthetic_samples
from kdmri_tf.inference.reconstruct_volume import reconstruct_file

needed("ai_edge_litert")
needed("onnxruntime")
needed("tf2onnx")
needed("openvino")

WITHOUT = ("student.tflite", "student.onnx", "student-openvino")  # TensorFlow
NAMES = ("student.keras", "student", *WITHOUT)

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # as where they are not installed
import numpy as np
import kdmri_tf

model, inputs, output = sys.argv[1:]
arrays = np.load(inputs)
np.save(output, kdmri_tf.Reconstructor(model)(arrays["kspace"], arrays["mask"]))
loaded = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
assert not loaded & {"tensorflow", "keras", "tensorflow_datasets"}, loaded
"""


FILE_WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # as where they are not installed
from kdmri_tf.inference.reconstruct_volume import reconstruct_file

model, source, output = sys.argv[1:]
reconstruct_file(model, source, output, acceleration=2, center_lines=4)
assert "tensorflow_datasets" not in sys.modules
"""


@pytest.fixture(scope="module")
def samples():
    return synthetic_samples(Undersampling, (40, 36))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, samples):
    """One student in every format."""
    keras.utils.set_random_seed(0)
    student = DCCNN(3, 2, filters=4)
    folder = tmp_path_factory.mktemp("formats")
    student.save(folder / "student.keras")
    export_network(student, folder / "student")
    export_network(student, folder / "student.tflite", "litert", samples=samples)
    export_network(student, folder / "student.onnx", "onnx", samples=samples)
    export_network(student, folder / "student-openvino", "openvino", samples=samples)
    return folder


@pytest.fixture
def inputs(samples):
    return [np.asarray(v) for v in samples.degradation.apply(samples.images).values()]


@pytest.mark.parametrize("name", NAMES)
def test_all_formats_agree(folder, inputs, name):
    reconstruct = Reconstructor(folder / name)
    expected = Reconstructor(folder / "student.keras")(*inputs)
    assert reconstruct.input_names == ("kspace", "mask")
    image = reconstruct(*inputs)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, expected, atol=1e-5)
    kspace, mask = inputs
    one_mask = reconstruct(kspace.astype(np.float64), mask[0].astype(bool))
    np.testing.assert_allclose(one_mask, expected, atol=1e-5)


def test_suffixes_in_capitals(folder, inputs, tmp_path):
    for name in ("student.tflite", "student.onnx"):
        path = tmp_path / name.upper()
        shutil.copy(folder / name, path)
        assert Reconstructor(path)(*inputs).shape == (8, 40, 36, 1)
    shutil.copy(folder / "student.keras", tmp_path / "a.KERAS")
    with pytest.raises(InputError, match=r"a\.KERAS must end in \.keras, in small letters"):
        Reconstructor(tmp_path / "a.KERAS")


@pytest.mark.parametrize("name", NAMES)
def test_threads_do_not_disturb_each_other(folder, inputs, name):
    reconstruct = Reconstructor(folder / name)
    kspace, mask = inputs
    batches = [kspace[: 1 + index % 3] * (1 + index) for index in range(24)]
    expected = [reconstruct(batch, mask[0]) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda batch: reconstruct(batch, mask[0]), batches))
    for image, alone in zip(images, expected, strict=True):
        np.testing.assert_allclose(image, alone, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("name", WITHOUT)
def test_a_model_is_closed_with_its_reconstructor(folder, inputs, name):
    """Not by the next garbage collection, which does not see how much memory it holds."""
    reconstruct = Reconstructor(folder / name)
    reconstruct(*inputs)
    runtime = weakref.ref(reconstruct._runtime)
    gc.disable()
    try:
        del reconstruct
        assert runtime() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", WITHOUT)
def test_runs_without_tensorflow(folder, inputs, name, tmp_path):
    np.savez(tmp_path / "inputs.npz", kspace=inputs[0], mask=inputs[1])
    paths = (folder / name, tmp_path / "inputs.npz", tmp_path / "image.npy")
    subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *map(str, paths)],
        check=True,
        capture_output=True,
    )
    expected = Reconstructor(folder / "student.keras")(*inputs)
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), expected, atol=1e-5)


def test_reconstructs_a_file_without_tensorflow(folder, samples, tmp_path):
    np.save(tmp_path / "a.npy", samples.images[..., 0])
    paths = (folder / "student.onnx", tmp_path / "a.npy", tmp_path / "b.nii.gz")
    done = subprocess.run(
        [sys.executable, "-c", FILE_WITHOUT_TENSORFLOW, *map(str, paths)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"a.npy", "b.nii.gz", "b.png"}
    reconstruct_file(
        Reconstructor(folder / "student.keras"),
        *(tmp_path / "a.npy", tmp_path / "with.nii.gz"),
        acceleration=2,
        center_lines=4,
    )
    images = [nibabel.load(tmp_path / name).get_fdata() for name in ("b.nii.gz", "with.nii.gz")]
    np.testing.assert_allclose(*images, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_bad_inputs(folder, inputs, name):
    reconstruct = Reconstructor(folder / name)
    kspace, mask = inputs
    with pytest.raises(InputError, match=r"takes kspace and mask; got 1 array\."):
        reconstruct(kspace)
    with pytest.raises(InputError, match=r"kspace must be \(batch, height, width, 2\).*; got "):
        reconstruct(kspace[..., 0], mask)
    with pytest.raises(InputError, match=r"mask must be .*; got mask \(8, 39, 36\) and kspace"):
        reconstruct(kspace, mask[:, 1:])
    with pytest.raises(InputError, match="The inputs must be real numbers; got complex64"):
        reconstruct(kspace.astype(np.complex64), mask)
    broken = kspace.copy()
    broken[1, 2, 3, 0] = np.nan
    with pytest.raises(InputError, match="kspace contains NaN or infinity"):
        reconstruct(broken, mask)
    with pytest.raises(InputError, match="must be 1 where k-space was measured and 0 elsewhere"):
        reconstruct(kspace, 255 * mask)


@pytest.mark.parametrize("name", WITHOUT)
def test_a_mask_that_the_export_cannot_take(folder, inputs, name):
    kspace, mask = inputs
    columns, point = np.zeros_like(mask[0]), np.zeros_like(mask[0])
    columns[:, ::2] = 1
    point[0, 0] = 1
    message = r"for masks of whole rows \(phase encode axis 0\), but .*; export it "
    with pytest.raises(InputError, match=message + "with --phase-encode-axis 1, or as a SavedMod"):
        Reconstructor(folder / name)(kspace, columns)
    with pytest.raises(InputError, match=message + "as a SavedModel"):
        Reconstructor(folder / name)(kspace, point)


def test_a_size_that_the_export_cannot_take(folder, inputs):
    kspace, mask = inputs
    with pytest.raises(InputError, match=r"for images of 40x36 pixels, not 39x36; .* --image-size"):
        Reconstructor(folder / "student.tflite")(kspace[:, 1:], mask[:, 1:])


def test_threads_of_a_call(folder, inputs):
    for name in WITHOUT:
        image = Reconstructor(folder / name, num_threads=1)(*inputs)
        np.testing.assert_allclose(image, Reconstructor(folder / name)(*inputs), atol=1e-5)
    session = Reconstructor(folder / "student.onnx", num_threads=1)._runtime._session
    assert session.get_session_options().intra_op_num_threads == 1
    with pytest.raises(InputError, match="num_threads must be 1 or more, not 0"):
        Reconstructor(folder / "student-openvino", num_threads=0)
    for name in ("student.keras", "student"):
        with pytest.raises(InputError, match="runs in TensorFlow, which has one number of threads"):
            Reconstructor(folder / name, num_threads=1)


def test_no_model(folder, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"There is no model .*none\.onnx\."):
        Reconstructor(tmp_path / "none.onnx")
    (tmp_path / "model.h5").write_text("")
    with pytest.raises(InputError, match=r"model\.h5 is not a network: give a \.keras, \.tflite"):
        Reconstructor(tmp_path / "model.h5")
    for name in ("student.keras", "student.tflite", "student.onnx"):
        whole = (folder / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"student\.\w+ is not a readable"):
            Reconstructor(tmp_path / name)
    shutil.copytree(folder / "student", tmp_path / "student")
    (tmp_path / "student" / "saved_model.pb").write_bytes(b"torn")
    with pytest.raises(InputError, match="student is not a readable model"):
        Reconstructor(tmp_path / "student")
    shutil.copytree(folder / "student-openvino", tmp_path / "student-openvino")
    whole = (tmp_path / "student-openvino" / "model.bin").read_bytes()
    (tmp_path / "student-openvino" / "model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="student-openvino is not a readable model"):
        Reconstructor(tmp_path / "student-openvino")

    def fail(module):
        raise ImportError

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(InputError, match=r"onnxruntime, which is .* run pip install onnxruntime\."):
        Reconstructor(folder / "student.onnx")
    with pytest.raises(InputError, match=r"openvino, which is .* run pip install openvino\."):
        Reconstructor(folder / "student-openvino")
    for name in ("student.keras", "student"):
        with pytest.raises(InputError, match=rf"{name} needs the package tensorflow, which is not"):
            Reconstructor(folder / name)
