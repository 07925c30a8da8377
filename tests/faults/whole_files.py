"""One whole file of every format that the package reads: what damaged ones are made of."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel
import numpy as np
import raw_formats
import scipy.io
from faults.worker import COILS, NETWORK_SIZE, SIZE
from simulated_coils import smooth_maps
from stand_in import centered_kspace

from kdmri_tf import DCCNN, export_network, gaussian_mask

SLICES = 3
EXPORTS = {
    "saved_model": "saved_model",
    "litert": "a.tflite",
    "onnx": "a.onnx",
    "openvino": "openvino",
}


@dataclass(frozen=True)
class Whole:
    """A file or folder that can be read.

    Attributes:
        name: unique, such as "nifti".
        kind: what the worker takes it for.
        path: given to the reader.
        parts: its files to damage, relative to the folder of the path.
    """

    name: str
    kind: str
    path: Path
    parts: tuple[str, ...]

    def copy(self, folder: Path) -> Path:
        """Copies it, with all that lies beside it, into a new folder; returns its path there."""
        shutil.copytree(self.path.parent, folder)
        return folder / self.path.name


def images() -> np.ndarray:
    """Returns magnitude images `(slices, H, W)`."""
    rows, columns = np.meshgrid(*(np.linspace(-2, 2, side) for side in SIZE), indexing="ij")
    shapes = [np.exp(-(rows**2) - columns**2 / (1 + index)) for index in range(SLICES)]
    return np.stack(shapes).astype(np.float32)


def kspace() -> np.ndarray:
    """Returns centred k-space of coils, complex64 `(slices, coils, H, W)`."""
    maps = smooth_maps(COILS, SIZE)
    return centered_kspace(images()[:, np.newaxis] * maps).astype(np.complex64)


def whole_volumes(root: Path) -> Iterator[Whole]:
    """Writes everything that is read without TensorFlow, each in a folder of its own."""

    def place(name: str, file: str) -> Path:
        (root / name).mkdir(parents=True)
        return root / name / file

    def whole(kind: str, path: Path, *parts: str) -> Whole:
        return Whole(path.parent.name, kind, path, parts or (path.name,))

    stored = (900 * images()).astype(np.int16).T
    for name, file in (("nifti", "a.nii"), ("compressed-nifti", "a.nii.gz")):
        nibabel.save(nibabel.Nifti1Image(stored, np.diag([2, 3, 4, 1.0])), place(name, file))
        yield whole("volume", root / name / file)

    path = place("fastmri", "a.h5")
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace()
        file["ismrmrd_header"] = raw_formats.header(*SIZE)
    yield whole("volume", path)

    path = place("hdf5-of-images", "a.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("image", data=images(), chunks=(1, *SIZE), compression="gzip")
    yield whole("volume", path)

    path = place("numpy", "a.npy")
    np.save(path, images())
    yield whole("volume", path)

    unshifted = np.fft.fft2(images()[:, np.newaxis] * smooth_maps(COILS, SIZE), norm="ortho")
    path = place("calgary-single", "a.npy")
    np.save(path, np.stack([unshifted[:, 0].real, unshifted[:, 0].imag], -1).astype(np.float32))
    yield whole("calgary", path)

    path = place("calgary-multi", "a.h5")
    parts = np.stack([unshifted.real, unshifted.imag], axis=2)  # (slices, coils, 2, H, W)
    with h5py.File(path, "w") as file:
        file["kspace"] = np.moveaxis(parts.reshape(SLICES, -1, *SIZE), 1, -1).astype(np.float32)
    yield whole("calgary", path)

    matlab = np.transpose(kspace(), (2, 3, 1, 0))  # (kx, ky, coil, slice)
    for name, options in (("mat5", {}), ("mat5-compressed", {"do_compression": True})):
        scipy.io.savemat(place(name, "a.mat"), {"kspace_full": matlab}, **options)
        yield whole("volume", root / name / "a.mat")
    yield whole("volume", raw_formats.write_mat73(place("mat73", "a.mat"), kspace_full=matlab))

    dimensions = (*SIZE, 1, COILS, *(1,) * 9, SLICES)
    path = raw_formats.write_bart(place("bart", "a.cfl"), dimensions, matlab)
    yield whole("volume", path, "a.cfl", "a.hdr")

    lines = [
        raw_formats.acquisition(kspace()[index, :, :, step], step, slice=index)
        for index in range(SLICES)
        for step in range(SIZE[1])
    ]
    yield whole("volume", raw_formats.write_ismrmrd(place("ismrmrd", "a.h5"), HEADER, lines))

    path = place("dicom", "series")
    for index, image in enumerate(images()):
        position = (4.0 * index, 0, 0)
        raw_formats.write_dicom(path / f"{index}.dcm", (900 * image).astype(int), position, "1.2")
    yield whole("volume", path, "series/1.dcm")

    mask = gaussian_mask(SIZE, 2, center_lines=4)
    np.save(place("mask", "a.npy"), mask)
    yield whole("mask", root / "mask" / "a.npy")
    scipy.io.savemat(place("mask-of-matlab", "a.mat"), {"mask": np.fft.fftshift(mask)})
    yield whole("mask", root / "mask-of-matlab" / "a.mat")

    maps = smooth_maps(COILS, SIZE).astype(np.complex64)
    np.save(place("sensitivities", "a.npy"), maps)
    yield whole("sensitivities", root / "sensitivities" / "a.npy")
    turned = np.transpose(maps, (1, 2, 0))
    path = place("sensitivities-of-bart", "a.cfl")
    raw_formats.write_bart(path, (*SIZE, 1, COILS), turned)
    yield whole("sensitivities", path, "a.cfl", "a.hdr")


HEADER = raw_formats.header(*SIZE)


def whole_networks(root: Path) -> Iterator[Whole]:
    """Writes a network in every format, and the stage of a training that goes on."""
    network = DCCNN(2, 1, filters=2)
    for format, name in EXPORTS.items():
        folder = root / format
        folder.mkdir(parents=True)
        layout = {"image_size": NETWORK_SIZE, "phase_encode_axis": 0}
        layout = {} if format == "saved_model" else layout
        export_network(network, folder / name, format, **layout)
        path = folder / name
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        parts = tuple(str(file.relative_to(folder)) for file in files)
        unread = ("fingerprint.pb",)
        yield Whole(format, "network", path, tuple(p for p in parts if not p.endswith(unread)))
    yield from _stage(root)


def _stage(root: Path) -> Iterator[Whole]:
    """Yields the folder of a stage, and its network."""
    import keras

    from kdmri_tf.training.run_folder import open_stage
    from kdmri_tf.training.training_state import TrainingState

    keras.utils.set_random_seed(0)
    network, optimizer = DCCNN(2, 1, filters=2), keras.optimizers.Adam()
    optimizer.build(network.trainable_variables)
    config = {"dataset": "cardiac", "image_size": SIZE, "epochs": 2, "seed": 1}
    stage = open_stage(root / "stage", "student-D2C1", config)
    state = TrainingState(stage.folder, network, optimizer)
    state.on_epoch_end(0, {"loss": 1, "val_loss": 1})
    stage.finish(network)
    (stage.folder / "lock").unlink()
    yield Whole(
        "stage",
        "stage",
        stage.folder,
        tuple(f"student-D2C1/{name}" for name in ("config.json", "state.npz", "model.keras")),
    )
    (root / "keras").mkdir()
    path = shutil.copy(stage.model_path, root / "keras")
    yield Whole("keras", "network", Path(path), ("model.keras",))
