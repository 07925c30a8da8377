"""Tiny raw files in the official layouts, and what a prepared data set should give back."""

import h5py
import nibabel
import numpy as np
import raw_formats
import scipy.io
import stand_in

from tfds_builders.slices import center_crop_or_pad

SIZE = (16, 12)


def complex_images(rng, shape):
    """Noise about a signal, so that k-space has most of its energy at low frequencies."""
    return (3 + rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def centered_kspace(image):
    """Centred k-space in the precision of raw files."""
    return stand_in.centered_kspace(image).astype(np.complex64)


def touch(root, *names):
    """Make empty files: finding volumes opens none of them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write_nifti(path, volume):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)
    return path


def write_hdf5(path, **datasets):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def write_mat5(path, rawdata):
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"rawdata": rawdata})
    return path


def write_mat73(path, rawdata):
    """MATLAB v7.3."""
    return raw_formats.write_mat73(path, rawdata=rawdata)


def write_acdc(manual_dir, volumes):
    """Write {(folder, patient, frame): volume} in the official layout, with files to ignore."""
    for (folder, patient, frame), volume in volumes.items():
        place = manual_dir / "cardiac/acdc" / folder / patient
        write_nifti(place / f"{patient}_frame{frame}.nii.gz", volume)
        write_nifti(place / f"{patient}_frame{frame}_gt.nii.gz", np.ones_like(volume))
        write_nifti(place / f"{patient}_4d.nii.gz", np.stack([volume, volume], axis=3))


def write_folder(manual_dir, dataset="knee", **volumes):
    """Write `train_<name>` and `validation_<name>` volumes (slices, H, W) as .npy files."""
    for key, volume in volumes.items():
        split, name = key.split("_", 1)
        path = manual_dir / dataset / "folder" / split / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, volume)


def read_back(builder, split):
    """Return [(volume, slice, image without its channel)] in the order of the records."""
    examples = builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator()
    return [(e["volume"].decode(), int(e["slice"]), e["image"][..., 0]) for e in examples]


def expected_slices(name, images, size=SIZE, first=0):
    """Return what `read_back` should find of a volume `(slices, H, W)`."""
    resized = [center_crop_or_pad(image.astype(np.float64), size) for image in images]
    return [(name, first + i, image / image.max()) for i, image in enumerate(resized)]


def assert_same(found, expected):
    assert [example[:2] for example in found] == [example[:2] for example in expected]
    for (_, _, image), (_, _, expected_image) in zip(found, expected, strict=True):
        np.testing.assert_allclose(image, expected_image, rtol=1e-4, atol=1e-6)


def truncate(path, keep=0.6):
    """Cuts a file off after that share of it; returns the path."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path
