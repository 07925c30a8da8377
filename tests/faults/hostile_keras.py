"""`.keras` files that would run, unpack or read something else than weights."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from faults.damage import Case
from faults.hostile_files import Entries, Payload, entries_of, new_folder, npz, write_archive
from faults.whole_files import Whole

HUGE = 10**9


def hostile_keras(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    """Yields them; `elsewhere` is a folder with secrets that they would have read or changed."""
    entries = entries_of(whole.path)
    archives = {
        **_archives(entries, elsewhere),
        **_configurations(entries, elsewhere),
        **_weights(entries, elsewhere),
    }
    for name, changed in archives.items():
        path = new_folder(root, f"keras-{name}") / "model.keras"
        write_archive(path, changed)
        yield Case(path.parent.name, "network", path, name in HARMLESS)
    yield from _bombs(root, entries)


# An entry that nobody looks for is not unpacked, and nobody compiles a network to run it.
HARMLESS = ("path-traversal", "assets-that-leave", "built-huge", "compiled-by-a-function")


def _archives(entries: Entries, elsewhere: Path) -> dict[str, Entries]:
    """Returns archives with other entries than a network's: name -> entries."""
    made, payload = str(elsewhere / "made"), Payload(elsewhere / "made")
    leaving = ("assets/../../../elsewhere/made", "assets/x", made)
    return {
        "path-traversal": {**entries, "../../elsewhere/made": b"made"},
        "assets-that-leave": {**entries, **dict.fromkeys(leaving, b"made")},
        "pickle-for-configuration": {**entries, "config.json": pickle.dumps(payload)},
        "pickle-for-weights": {**entries, "model.weights.h5": pickle.dumps(payload)},
        "pickles-in-npz": {
            **{name: content for name, content in entries.items() if name.endswith(".json")},
            "model.weights.npz": npz({"": np.array({"vars": payload}, object)}),
        },
        "no-weights": {name: c for name, c in entries.items() if not name.endswith(".h5")},
        "no-configuration": {**entries, "config.json": b""},
        "configuration-nested": {**entries, "config.json": b"[" * 10**6},
        "configuration-is-a-list": {**entries, "config.json": b"[1]"},
    }


def _configurations(entries: Entries, elsewhere: Path) -> dict[str, Entries]:
    """Returns networks whose configuration names programs, or is out of bounds."""
    config = json.loads(entries["config.json"])

    def configured(**changes: Any) -> Entries:
        return {**entries, "config.json": json.dumps({**config, **changes}).encode()}

    def of_class(module: str, name: str, /, **arguments: Any) -> Entries:
        return configured(module=module, class_name=name, registered_name=None, config=arguments)

    def arguments(**changes: Any) -> Entries:
        return configured(config={**config["config"], **changes})

    code = {"code": "4wAAAAA=", "defaults": None, "closure": None}
    program = {"class_name": "__lambda__", "config": code}
    opening = {"file": str(elsewhere / "made"), "mode": "w"}
    function = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
    return {
        "lambda": of_class("keras.layers", "Lambda", name="l", function=program),
        "opens-a-file": of_class("builtins", "open", **opening),
        "calls-a-function": configured(**function, registered_name="get_file"),
        "of-the-system": of_class("os", "system", command="true"),
        "another-class": configured(registered_name="kdmri_tf>Nobody"),
        "a-layer": of_class("keras.layers", "Dense", units=HUGE),
        "built-huge": configured(build_config={"input_shape": [HUGE, HUGE, HUGE, 2]}),
        "compiled-by-a-function": configured(compile_config={"loss": function}),
        "filters-by-billions": arguments(filters=HUGE),
        "convolutions-by-billions": arguments(num_convs=HUGE),
        "filters-negative": arguments(filters=-1),
        "filters-text": arguments(filters="many"),
        "filters-nan": arguments(filters=float("nan")),
        "policy-of-a-class": arguments(
            dtype={"module": "builtins", "class_name": "open", "config": opening}
        ),
        "unknown-argument": arguments(surprise=[function]),
    }


def _weights(entries: Entries, elsewhere: Path) -> dict[str, Entries]:
    """Returns networks of which the first weight is elsewhere, huge, or no number."""
    secret, shape = str(elsewhere / "secret.h5"), (3, 3)

    def with_first(make: Callable[[h5py.Group, str], None]) -> Entries:
        stream = io.BytesIO(entries["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            found: list[h5py.Dataset] = []
            file.visititems(lambda _, item: found.append(item) if _is_weight(item) else None)
            group, name = found[0].parent, found[0].name.rpartition("/")[2]
            del group[name]
            make(group, name)
        return {**entries, "model.weights.h5": stream.getvalue()}

    def link(group: h5py.Group, name: str) -> None:
        group[name] = h5py.ExternalLink(secret, "kspace")

    def external(group: h5py.Group, name: str) -> None:
        group.create_dataset(name, shape, "f4", external=[(secret, 0, h5py.h5f.UNLIMITED)])

    def virtual(group: h5py.Group, name: str) -> None:
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource(secret, "kspace", shape)
        group.create_virtual_dataset(name, layout)

    def huge(group: h5py.Group, name: str) -> None:
        group.create_dataset(name, (HUGE, 8), "f4", chunks=(8, 8))

    def packed(group: h5py.Group, name: str) -> None:
        data = group.create_dataset(name, (2**29,), "f4", chunks=(2**24,), compression=9)
        data[:1] = 0

    def nan(group: h5py.Group, name: str) -> None:
        group[name] = np.full((3, 3, 1, 2), np.nan, np.float32)  # of the first convolution

    return {
        "external-link": with_first(link),
        "external-storage": with_first(external),
        "virtual": with_first(virtual),
        "huge-weights": with_first(huge),
        "packed-weights": with_first(packed),
        "weights-nan": with_first(nan),
    }


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


def _is_weight(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.size > 1
