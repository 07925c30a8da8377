"""Volumes that nobody meant to be read: huge, endless, or pointing elsewhere."""

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import nibabel
import numpy as np
import raw_formats
import scipy.io
from faults.damage import Case
from faults.hostile_arrays import hostile_bart, hostile_maps, hostile_masks, hostile_numpy
from faults.hostile_files import Made, deflated_bomb, new_folder
from faults.worker import COILS, SIZE


def hostile_volumes(root: Path, elsewhere: Path) -> Iterator[Case]:
    """Yields them; `elsewhere` is a folder with secrets that they would have read or changed."""
    for kind, make in KINDS:
        for name, path, may_be_read in make(root, elsewhere):
            yield Case(name, kind, path, may_be_read)


def _nifti(root: Path, elsewhere: Path) -> Made:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.float32)
    header.set_data_shape((12, 16, 3))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    changes = {
        "huge-dimensions": {"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]},
        "huge-slices": {"dim": [3, 12, 16, 32767, 1, 1, 1, 1]},
        "negative-dimensions": {"dim": [3, -12, 16, 3, 1, 1, 1, 1]},
        "no-dimensions": {"dim": [3, 0, 0, 0, 0, 0, 0, 0]},
        "many-dimensions": {"dim": [30000, 12, 16, 3, 1, 1, 1, 1]},
        "offset-nan": {"vox_offset": np.nan},
        "offset-negative": {"vox_offset": -1e30},
        "slope-nan": {"scl_slope": np.nan, "scl_inter": np.inf},
        "slope-huge": {"scl_slope": 3e38, "scl_inter": 3e38},
        "affine-nan": {"srow_x": [np.nan] * 4, "sform_code": 1},
        "quaternion-huge": {"quatern_b": 1e30, "qform_code": 1},
    }
    values = np.ones(12 * 16 * 3, np.float32).tobytes()
    for name, fields in changes.items():
        changed = header.copy()
        for field, value in fields.items():
            changed[field] = value
        path = new_folder(root, f"nifti-{name}") / "a.nii"
        path.write_bytes(changed.binaryblock + bytes(4) + values)
        yield path.parent.name, path, name == "slope-nan"
    path = new_folder(root, "nifti-endless-extension") / "a.nii"
    extension = b"\1\0\0\0" + struct.pack("<ii", 2**31 - 16, 6)
    changed = header.copy()
    changed["vox_offset"] = 2**25
    path.write_bytes(changed.binaryblock + extension + values)
    yield path.parent.name, path, False
    for name, fill in (("nan", np.nan), ("infinity", -np.inf)):
        path = new_folder(root, f"nifti-{name}") / "a.nii"
        path.write_bytes(header.binaryblock + bytes(4) + np.full(576, fill, "f4").tobytes())
        yield path.parent.name, path, False
    for name, start in (("header", header.binaryblock), ("nothing", b"")):
        path = new_folder(root, f"nifti-bomb-behind-{name}") / "a.nii.gz"
        with open(path, "wb") as file:
            file.write(gzip.compress(start))
            member = gzip.compress(bytes(2**26), 9)
            for _ in range(64):  # 4 GiB
                file.write(member)
        yield path.parent.name, path, False
    path = new_folder(root, "nifti-analyze-pair") / "a.nii"
    pair = header.copy()
    pair["magic"] = b"ni1"
    path.write_bytes(pair.binaryblock)
    path.with_suffix(".img").symlink_to(elsewhere / "secret.txt")
    yield path.parent.name, path, False


def _matlab(root: Path, elsewhere: Path) -> Made:
    whole = new_folder(root, "mat5-nan") / "a.mat"
    scipy.io.savemat(whole, {"kspace": np.full((*SIZE, COILS), np.nan, complex)})
    yield whole.parent.name, whole, False
    content = bytearray(whole.read_bytes())
    place = content.index(struct.pack("<3i", *SIZE, COILS))
    content[place : place + 12] = struct.pack("<3i", 2**31 - 1, 2**31 - 1, 2**31 - 1)
    path = new_folder(root, "mat5-huge") / "a.mat"
    path.write_bytes(content)
    yield path.parent.name, path, False
    element = whole.read_bytes()[128:]
    packed = zlib.compress(b"")[:2] + deflated_bomb(bytes(element))
    path = new_folder(root, "mat5-bomb") / "a.mat"
    path.write_bytes(bytes(content[:128]) + struct.pack("<II", 15, len(packed)) + packed)
    yield path.parent.name, path, False
    path = new_folder(root, "mat5-structure") / "a.mat"
    scipy.io.savemat(path, {"kspace": {"a": {"b": [1, "c"]}}})
    yield path.parent.name, path, False
    path = new_folder(root, "mat73-link") / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["kspace"] = h5py.ExternalLink(str(elsewhere / "secret.h5"), "kspace")
    yield path.parent.name, path, False


def _dicom(root: Path, elsewhere: Path) -> Made:
    import pydicom

    image = np.ones(SIZE, int)
    changes = {
        "huge": {"Rows": 65535, "Columns": 65535},
        "nan": {"RescaleSlope": "nan"},
        "position-nan": {"ImagePositionPatient": ["nan", 0, 0]},
        "position-empty": {"ImagePositionPatient": None},
        "spacing-huge": {"PixelSpacing": ["1e300", "1e300"]},
        "frames": {"NumberOfFrames": "2000000000"},
        "bits": {"BitsAllocated": 3},
    }
    for name, fields in changes.items():
        path = new_folder(root, f"dicom-{name}") / "series"
        try:
            with pydicom.config.disable_value_validation():
                raw_formats.write_dicom(path / "0.dcm", image, (0, 0, 0), "1.2", **fields)
        except (ValueError, OverflowError, AttributeError) as error:
            raise AssertionError(name) from error
        yield path.parent.name, path, False
    whole = new_folder(root, "dicom-whole-for-others") / "0.dcm"
    raw_formats.write_dicom(whole, image, (0, 0, 0), "1.2")
    plain = whole.read_bytes()
    path = new_folder(root, "dicom-deflated-bomb") / "series" / "0.dcm"
    path.parent.mkdir()
    explicit, deflated = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    # The meta information is as long as it says, so the name of the syntax is found in it.
    meta_end = plain.index(explicit) + len(explicit)
    meta_end = 144 + struct.unpack_from("<I", plain, 140)[0]
    meta = plain[:meta_end].replace(
        struct.pack("<H", len(explicit)) + explicit, struct.pack("<H", len(deflated)) + deflated
    )
    grown = struct.unpack_from("<I", plain, 140)[0] + len(deflated) - len(explicit)
    meta = meta[:140] + struct.pack("<I", grown) + meta[144:]
    path.write_bytes(meta + deflated_bomb(plain[meta_end:]))
    yield path.parents[1].name, path.parent, False
    path = new_folder(root, "dicom-nested") / "series" / "0.dcm"
    path.parent.mkdir()
    sequence = b"\x08\x00\x40\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
    path.write_bytes(plain[:meta_end] + sequence * 20000)
    yield path.parents[1].name, path.parent, False
    path = new_folder(root, "dicom-value-of-gigabytes") / "series" / "0.dcm"
    path.parent.mkdir()
    value = b"\x08\x00\x05\x00UN\0\0" + struct.pack("<I", 2**32 - 16)
    path.write_bytes(plain[:meta_end] + value + bytes(100))
    yield path.parents[1].name, path.parent, False


KINDS: list[tuple[str, Callable[[Path, Path], Made]]] = [
    ("volume", _nifti),
    ("volume", hostile_numpy),
    ("mask", hostile_masks),
    ("sensitivities", hostile_maps),
    ("volume", hostile_bart),
    ("volume", _matlab),
    ("volume", _dicom),
]
