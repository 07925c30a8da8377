"""Arrays, masks and maps that claim to be huge, or hold programs, objects or no numbers."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import raw_formats
from faults.hostile_files import HUGE, Made, Payload, new_folder
from faults.worker import COILS, SIZE


def _npy_header(text: str, version: bytes = b"\1\0") -> bytes:
    text = text + "\n"
    kind = "<H" if version == b"\1\0" else "<I"
    return b"\x93NUMPY" + version + struct.pack(kind, len(text)) + text.encode()


def hostile_numpy(root: Path, elsewhere: Path) -> Made:
    secret, made = str(elsewhere / "secret.txt"), str(elsewhere / "made")
    usual = "{'descr': '<f4', 'fortran_order': False, 'shape': %s}"
    contents = {
        "huge-shape": _npy_header(usual % f"({HUGE}, {HUGE})"),
        "shape-beyond-integers": _npy_header(usual % f"({10**40}, 2, 2)"),
        "shape-negative": _npy_header(usual % "(-3, 16, 12)") + bytes(2304),
        "shape-that-overflows": _npy_header(usual % f"({2**32}, {2**32}, 1)") + bytes(64),
        "header-of-gigabytes": b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{" * 100,
        "header-nested": _npy_header("[" * 60000),
        "header-program": _npy_header(f"open({made!r}, 'w')"),
        "header-reads": _npy_header(f"__import__('pathlib').Path({secret!r}).read_text()"),
        "dtype-of-gigabytes": _npy_header(
            "{'descr': '|V2000000000', 'fortran_order': False, 'shape': (3, 16, 12)}"
        ),
        "dtype-nested": _npy_header(
            f"{{'descr': {'[(0, ' * 500}'<f4'{')]' * 500}, 'fortran_order': False, 'shape': (3,)}}"
        ),
        "unknown-version": b"\x93NUMPY\xff\xff" + bytes(100),
        "pickle": pickle.dumps(Payload(elsewhere / "made")),
    }
    for name, content in contents.items():
        path = new_folder(root, f"numpy-{name}") / "a.npy"
        path.write_bytes(content)
        yield path.parent.name, path, False
    path = new_folder(root, "numpy-objects") / "a.npy"
    np.save(path, np.array([[Payload(elsewhere / "made")] * 3] * 3), allow_pickle=True)
    yield path.parent.name, path, False
    path = new_folder(root, "numpy-archive") / "a.npy"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../elsewhere/made", b"made")
    yield path.parent.name, path, False
    for name, fill in (("nan", np.nan), ("infinity", np.inf)):
        path = new_folder(root, f"numpy-{name}") / "a.npy"
        np.save(path, np.full((3, *SIZE), fill))
        yield path.parent.name, path, False


def hostile_masks(root: Path, elsewhere: Path) -> Made:
    arrays = {
        "nan": np.full(SIZE, np.nan),
        "objects": np.full(SIZE, Payload(elsewhere / "made")),
        "text": np.full(SIZE, "1"),
        "huge": None,
    }
    for name, array in arrays.items():
        path = new_folder(root, f"mask-{name}") / "a.npy"
        if array is None:
            np.lib.format.open_memmap(path, "w+", "u1", (20000, 20000)).flush()  # sparse
        else:
            np.save(path, array, allow_pickle=True)
        yield path.parent.name, path, False


def hostile_maps(root: Path, elsewhere: Path) -> Made:
    for name, fill in (("nan", np.nan), ("objects", Payload(elsewhere / "made"))):
        path = new_folder(root, f"sensitivities-{name}") / "a.npy"
        dtype = complex if name == "nan" else object
        np.save(path, np.full((COILS, *SIZE), fill, dtype), allow_pickle=True)
        yield path.parent.name, path, False


def hostile_bart(root: Path, elsewhere: Path) -> Made:
    headers = {
        "huge": f"# Dimensions\n{HUGE} {HUGE} 1 8\n",
        "beyond-integers": f"# Dimensions\n{'9' * 5000} 1\n",
        "negative": "# Dimensions\n-16 12 1 4\n",
        "other-digits": "# Dimensions\n\u0661\u0666 \u0661\u0662 1 4\n",
        "none": "# Dimensions\n0 0 0 0\n",
        "endless": "# " + "x" * 10**7,
    }
    for name, text in headers.items():
        path = new_folder(root, f"bart-{name}") / "a.cfl"
        path.write_bytes(bytes(8 * 16 * 12 * 4))
        path.with_suffix(".hdr").write_text(text)
        yield path.parent.name, path, False
    path = new_folder(root, "bart-nan") / "a.cfl"
    raw_formats.write_bart(path, (*SIZE, 1, COILS), np.full((*SIZE, 1, COILS), np.nan))
    yield path.parent.name, path, False
