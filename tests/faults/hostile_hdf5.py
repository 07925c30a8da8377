"""HDF5 files of k-space that point out of themselves, claim to be huge, or hold hostile XML."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import raw_formats
from faults import whole_files
from faults.damage import Case
from faults.worker import SIZE

HUGE = 10**9


def hostile_hdf5(root: Path, elsewhere: Path) -> Iterator[Case]:
    """Yields them; `elsewhere` is a folder with secrets that they would have read or changed."""
    for name, make in _files(elsewhere).items():
        path = root / f"hdf5-{name}" / "a.h5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            make(file)
        yield Case(path.parent.name, "volume", path)
    for name, xml in _headers(elsewhere).items():
        path = root / f"fastmri-header-{name}" / "a.h5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            file["kspace"] = whole_files.kspace()
            file["ismrmrd_header"] = xml
        # Of a header only sizes are read, and without them voxels are 1 mm.
        yield Case(path.parent.name, "volume", path, may_be_read=True)
        path = root / f"ismrmrd-header-{name}" / "a.h5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            _acquisitions(file, xml)
        # Grammars elsewhere are not looked for.
        yield Case(path.parent.name, "volume", path, name == "with-a-foreign-grammar")


def _files(elsewhere: Path) -> dict[str, Callable[[h5py.File], None]]:
    secret = str(elsewhere / "secret.h5")
    relative = os.path.join("..", "..", elsewhere.name, "secret.h5")
    kspace = whole_files.kspace()

    def linked(name: str, target: object) -> Callable[[h5py.File], None]:
        def make(file: h5py.File) -> None:
            if name != "kspace" and not name.startswith("dataset"):
                file["kspace"] = kspace
            file[name] = target

        return make

    def soft_way_out(file: h5py.File) -> None:
        file["out"] = h5py.ExternalLink(secret, "/")
        file["kspace"] = h5py.SoftLink("/out/kspace")

    def ring(file: h5py.File) -> None:
        file["kspace"] = h5py.SoftLink("/again")
        file["again"] = h5py.SoftLink("/kspace")

    def storage_elsewhere(file: h5py.File) -> None:
        size = h5py.h5f.UNLIMITED
        file.create_dataset("kspace", (3, *SIZE), "c8", external=[(secret, 0, size)])

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((3, *SIZE), "c8")
        layout[:] = h5py.VirtualSource(relative, "kspace", (3, *SIZE))
        file.create_virtual_dataset("kspace", layout)

    def sparse(name: str, shape: tuple[int, ...], dtype: object) -> Callable[[h5py.File], None]:
        def make(file: h5py.File) -> None:
            chunks = tuple(min(side, 8) for side in shape)
            dataset = file.create_dataset(name, shape, dtype, chunks=chunks)
            if name != "kspace":
                file["kspace"] = kspace
            dataset[(0,) * len(shape)] = np.zeros((), dataset.dtype)

        return make

    def packed(file: h5py.File) -> None:
        whole = (1, 4096, 4096)
        data = file.create_dataset("kspace", (100, *whole[1:]), "c8", chunks=whole, compression=9)
        data[0] = 0

    def unknown_filter(file: h5py.File) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((1, *SIZE))
        creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((3, *SIZE))
        kind = h5py.h5t.py_create(np.dtype("c8"))
        identity = h5py.h5d.create(file.id, b"kspace", kind, space, creation)
        identity.write_direct_chunk((0, 0, 0), bytes(8 * 192))

    def title_of_gigabytes(file: h5py.File) -> None:
        file["kspace"] = kspace
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((1,))
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(2**31)
        space = h5py.h5s.create_simple((1,), (2,))
        creation.set_deflate(9)
        identity = h5py.h5d.create(file.id, b"ismrmrd_header", kind, space, creation)
        identity.write_direct_chunk((0,), b"x" * 50)

    def numbers(file: h5py.File) -> None:
        file["kspace"] = np.ones((3, *SIZE))

    def references(file: h5py.File) -> None:
        data = file.create_dataset("kspace", (3, *SIZE), h5py.ref_dtype)
        data[0, 0, 0] = data.ref

    def named_type(file: h5py.File) -> None:
        file["kspace"] = np.dtype("c8")

    def filled(value: float) -> Callable[[h5py.File], None]:
        def make(file: h5py.File) -> None:
            file["kspace"] = np.full((3, 4, *SIZE), value, np.complex64)

        return make

    header, line = raw_formats.header(*SIZE), _acquisition()

    def raw(
        lines: int = SIZE[1], text: object = header, **counters: int
    ) -> Callable[[h5py.File], None]:
        def make(file: h5py.File) -> None:
            _acquisitions(file, text, lines, **counters)

        return make

    def many(file: h5py.File) -> None:
        file["dataset/xml"] = [header]
        data = file.create_dataset("dataset/data", (HUGE,), line.dtype, chunks=(1,))
        data[0] = line[0]

    def many_headers(file: h5py.File) -> None:
        file["dataset/data"] = line
        text = file.create_dataset("dataset/xml", (HUGE,), h5py.string_dtype(), chunks=(8,))
        text[0] = header

    def other_records(file: h5py.File) -> None:
        file["dataset/xml"], file["dataset/data"] = [header], np.ones((3, 4))

    return {
        "external-link": linked("kspace", h5py.ExternalLink(secret, "kspace")),
        "external-link-by-a-relative-way": linked("kspace", h5py.ExternalLink(relative, "kspace")),
        "soft-link-that-leads-out": soft_way_out,
        "soft-links-in-a-ring": ring,
        "mask-elsewhere": linked("mask", h5py.ExternalLink(secret, "mask")),
        "acquisitions-elsewhere": linked("dataset", h5py.ExternalLink(secret, "/")),
        "storage-elsewhere": storage_elsewhere,
        "virtual": virtual,
        "huge": sparse("kspace", (HUGE, HUGE, 8), "c8"),
        "huge-volume": sparse("kspace", (10**6, 2048, 2048), "c8"),
        "huge-mask": sparse("mask", (HUGE, 8), "f4"),
        "packed-gigabytes": packed,
        "unknown-filter": unknown_filter,
        "title-of-gigabytes": title_of_gigabytes,
        "real-numbers": numbers,
        "references": references,
        "named-type": named_type,
        "nan": filled(np.nan),
        "infinity": filled(np.inf),
        "ismrmrd-acquisitions-by-billions": many,
        "ismrmrd-headers-by-billions": many_headers,
        "ismrmrd-other-records": other_records,
        "ismrmrd-no-lines": raw(lines=0),
        "ismrmrd-samples-that-are-not-there": raw(number_of_samples=60000),
        "ismrmrd-channels-that-are-not-there": raw(active_channels=60000),
        "ismrmrd-no-channels": raw(active_channels=0),
        "ismrmrd-huge-matrix": raw(
            text=raw_formats.HEADER.format(
                x=60000,
                y=60000,
                z=1,
                kept=16,
                wide=16,
                last=11,
                centre=30000,
                trajectory="cartesian",
            )
        ),
        "ismrmrd-text-is-a-number": raw(text=7),
    }


def _headers(elsewhere: Path) -> dict[str, str]:
    """Returns XML that grows, names other files, is nested without end, or is none."""
    secret = (elsewhere / "secret.txt").as_uri()
    document = raw_formats.header(*SIZE).split("\n", 1)[1]

    def with_entity(declared: str, entity: str = "&a;") -> str:
        doctype = f'<?xml version="1.0"?><!DOCTYPE ismrmrdHeader [{declared}]>'
        return doctype + document.replace("<x>16</x>", f"<x>{entity}</x>")

    laughs = '<!ENTITY a0 "16">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    return {
        "that-laughs": with_entity(laughs, "&a11;"),
        "that-grows": with_entity(f'<!ENTITY a "{"1" * 10**5}">', "&a;" * 10**4),
        "that-names-a-file": with_entity(f'<!ENTITY a SYSTEM "{secret}">'),
        "with-a-foreign-grammar": with_entity(f'<!ENTITY % a SYSTEM "{secret}"> %a;', "16"),
        "that-includes": document.replace(
            "<encoding>",
            f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret}" parse="text"/>'
            "<encoding>",
            1,
        ),
        "nested": "<a>" * 10**5 + "</a>" * 10**5,
        "numbers-beyond": document.replace("<x>16</x>", f"<x>{'9' * 6000}</x>"),
        "infinite": document.replace("<x>16</x>", "<x>1e999</x>"),
        "cut": document[: len(document) // 2],
    }


def _acquisition() -> np.ndarray:
    """Returns the record of a line of k-space, as ISMRMRD has it in HDF5."""
    from ismrmrd.hdf5 import acquisition_dtype

    kspace = whole_files.kspace()
    record = np.zeros(1, acquisition_dtype)
    line = raw_formats.acquisition(kspace[0, :, :, 0], 0)
    record[0]["head"] = np.frombuffer(line.getHead(), dtype=acquisition_dtype["head"])
    record[0]["data"] = line.data.view(np.float32).reshape(-1)
    record[0]["traj"] = np.zeros(0, np.float32)
    return record


def _acquisitions(file: h5py.File, text: object, lines: int = SIZE[1], **changes: int) -> None:
    records = np.repeat(_acquisition(), lines)
    for step in range(lines):
        records[step]["head"]["idx"]["kspace_encode_step_1"] = step
        for name, value in changes.items():
            records[step]["head"][name] = value
    file["dataset/xml"] = [text]
    file["dataset/data"] = records
