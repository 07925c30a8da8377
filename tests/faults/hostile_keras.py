"""`.keras` files that would run, unpack or read something else than weights."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from faults.damage import Case
from faults.hostile_files import Entries, Payload, entries_of, new_folder, npz, write_archive
from faults.whole_files import Whole

HUGE = 10**9


def hostile_keras(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    entries, made = entries_of(whole.path), str(elsewhere / "made")
    config = json.loads(entries["config.json"])
    payload = pickle.dumps(Payload(elsewhere / "made"))

    def configured(changes: Mapping[str, Any]) -> Entries:
        return _with(entries, "config.json", json.dumps({**config, **changes}).encode())

    def arguments(**changes: Any) -> Entries:
        return configured({"config": {**config["config"], **changes}})

    def weights(change: Callable[[h5py.File], None]) -> Entries:
        stream = io.BytesIO(entries["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            change(file)
        return _with(entries, "model.weights.h5", stream.getvalue())

    def first(file: h5py.File) -> h5py.Dataset:
        found: list[h5py.Dataset] = []
        file.visititems(lambda _, item: found.append(item) if _is_data(item) else None)
        return found[0]

    def replaced(make: Callable[[h5py.Group, str, h5py.Dataset], None]) -> Entries:
        def change(file: h5py.File) -> None:
            dataset = first(file)
            group, name = dataset.parent, dataset.name.rpartition("/")[2]
            values = dataset[()]
            del group[name]
            make(group, name, values)

        return weights(change)

    def link(group: h5py.Group, name: str, values: Any) -> None:
        group[name] = h5py.ExternalLink(str(elsewhere / "secret.h5"), "kspace")

    def external(group: h5py.Group, name: str, values: Any) -> None:
        place = [(str(elsewhere / "secret.h5"), 0, h5py.h5f.UNLIMITED)]
        group.create_dataset(name, values.shape, "f4", external=place)

    def virtual(group: h5py.Group, name: str, values: Any) -> None:
        layout = h5py.VirtualLayout(values.shape, "f4")
        layout[:] = h5py.VirtualSource(str(elsewhere / "secret.h5"), "kspace", values.shape)
        group.create_virtual_dataset(name, layout)

    def huge(group: h5py.Group, name: str, values: Any) -> None:
        group.create_dataset(name, (HUGE, 8), "f4", chunks=(8, 8))

    def packed(group: h5py.Group, name: str, values: Any) -> None:
        data = group.create_dataset(name, (2**29,), "f4", chunks=(2**24,), compression=9)
        data[:1] = 0

    def nan(group: h5py.Group, name: str, values: Any) -> None:
        group[name] = np.full_like(values, np.nan)

    lambda_layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "name": "l",
            "function": {
                "class_name": "__lambda__",
                "config": {"code": "4wAAAAA=", "defaults": None, "closure": None},
            },
        },
    }
    call = {"module": "builtins", "class_name": "open", "config": {"file": made, "mode": "w"}}
    function = {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
        "registered_name": "get_file",
    }
    archives = {
        "path-traversal": _with(entries, "../../elsewhere/made", b"made"),
        "assets-that-leave": {
            **entries,
            "assets/../../../elsewhere/made": b"made",
            "assets/x": b"x",
            made: b"made",
        },
        "pickle-for-configuration": _with(entries, "config.json", payload),
        "pickle-for-weights": _with(entries, "model.weights.h5", payload),
        "pickles-in-npz": {
            "metadata.json": entries["metadata.json"],
            "config.json": entries["config.json"],
            "model.weights.npz": npz({"": np.array({"vars": Payload(elsewhere / "made")}, object)}),
        },
        "no-weights": {name: c for name, c in entries.items() if not name.endswith(".h5")},
        "no-configuration": _with(entries, "config.json", b""),
        "configuration-nested": _with(entries, "config.json", b"[" * 10**6),
        "configuration-is-a-list": _with(entries, "config.json", b"[1]"),
        "lambda": configured(lambda_layer),
        "calls-open": configured(call),
        "calls-a-function": configured(function),
        "another-module": configured({"module": "os", "class_name": "system"}),
        "another-class": configured({"registered_name": "kdmri_tf>Nobody"}),
        "a-layer": configured(
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "registered_name": None,
                "config": {"units": HUGE},
            }
        ),
        "built-huge": configured({"build_config": {"input_shape": [HUGE, HUGE, HUGE, 2]}}),
        "compiled-by-a-function": configured({"compile_config": {"loss": function}}),
        "filters-by-billions": arguments(filters=HUGE),
        "convolutions-by-billions": arguments(num_convs=HUGE),
        "filters-negative": arguments(filters=-1),
        "filters-text": arguments(filters="many"),
        "filters-nan": arguments(filters=float("nan")),
        "policy-of-a-class": arguments(dtype=call),
        "unknown-argument": arguments(surprise=[function]),
        "external-link": replaced(link),
        "external-storage": replaced(external),
        "virtual": replaced(virtual),
        "huge-weights": replaced(huge),
        "packed-weights": replaced(packed),
        "weights-nan": replaced(nan),
    }
    for name, changed in archives.items():
        path = new_folder(root, f"keras-{name}") / "model.keras"
        write_archive(path, changed)
        yield Case(path.parent.name, "network", path, name in HARMLESS)
    yield from _bombs(root, entries)


# An entry that nobody looks for is not unpacked, nobody compiles a network to run it, and its class
# is found by the name under which it is registered.
HARMLESS = (
    *("path-traversal", "assets-that-leave", "built-huge", "compiled-by-a-function"),
    "another-module",
)


def _bombs(root: Path, entries: Entries) -> Iterator[Case]:
    for name in ("config.json", "model.weights.h5"):
        path = new_folder(root, f"keras-bomb-in-{name}") / "model.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for other, content in entries.items():
                if other != name:
                    archive.writestr(other, content)
            with archive.open(name, "w", force_zip64=True) as file:
                for _ in range(18):
                    file.write(bytes(2**26))
        yield Case(path.parent.name, "network", path)
        path_of_liar = new_folder(root, f"keras-bomb-that-lies-in-{name}") / "model.keras"
        content = path.read_bytes()
        start = content.index(b"PK\1\2", content.rindex(name.encode()) - 60)
        place = content.index(struct.pack("<I", 18 * 2**26), start)
        path_of_liar.write_bytes(content[:place] + struct.pack("<I", 100) + content[place + 4 :])
        yield Case(path_of_liar.parent.name, "network", path_of_liar)
    path = new_folder(root, "keras-many-entries") / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(10**4):
            archive.writestr(f"{index}", b"")
    yield Case(path.parent.name, "network", path)


def _with(entries: Entries, name: str, content: bytes) -> Entries:
    return {**entries, name: content}


def _is_data(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.size > 1
