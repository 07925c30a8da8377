"""Exports that would run, unpack or read something else than a network, and names of none."""

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from faults.damage import Case
from faults.hostile_files import Payload, entries_of, new_folder
from faults.whole_files import Whole

HUGE = 10**9


def hostile_litert(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    content = whole.path.read_bytes()
    facts = entries_of(whole.path)["metadata.json"]
    with zipfile.ZipFile(whole.path) as archive:
        start = min(entry.header_offset for entry in archive.infolist())
    metadata = json.loads(facts)
    archives = {
        "path-traversal": {"../../elsewhere/made": b"made", "metadata.json": facts},
        "metadata-bomb": {"metadata.json": bytes(2**26)},
        "metadata-nested": {"metadata.json": b"[" * 10**6},
        "metadata-elsewhere": {"../metadata.json": facts},
        "size-by-billions": {
            "metadata.json": json.dumps({**metadata, "exported_image_size": [HUGE, HUGE]}).encode()
        },
        "pickle": {"metadata.json": pickle.dumps(Payload(elsewhere / "made"))},
    }
    for name, entries in archives.items():
        path = new_folder(root, f"litert-{name}") / "a.tflite"
        path.write_bytes(content[:start])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            for entry, text in entries.items():
                archive.writestr(entry, text)
        yield Case(path.parent.name, "network", path, name == "path-traversal")
    for name, model in (
        ("zeros", bytes(2**12)),
        ("offsets", b"\xff" * 4 + b"TFL3" + b"\xff" * 400),
    ):
        path = new_folder(root, f"litert-{name}") / "a.tflite"
        path.write_bytes(model)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("metadata.json", facts)
        yield Case(path.parent.name, "network", path)


def hostile_onnx(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    import onnx

    def changed(name: str, change: Callable[[Any], None], may_be_read: bool = False) -> Case:
        model = onnx.load(whole.path)
        change(model)
        path = new_folder(root, f"onnx-{name}") / "a.onnx"
        path.write_bytes(model.SerializeToString())
        return Case(path.parent.name, "network", path, may_be_read)

    def largest(model: Any) -> Any:
        return max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))

    def elsewhere_at(location: str) -> Callable[[Any], None]:
        def change(model: Any) -> None:
            tensor = largest(model)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", location

        return change

    def huge(model: Any) -> None:
        largest(model).dims[:] = [HUGE, HUGE]

    def ring(model: Any) -> None:
        model.graph.node[0].input[0] = model.graph.node[-1].output[0]

    def foreign_operator(model: Any) -> None:
        model.graph.node[0].op_type, model.graph.node[0].domain = "Run", "somebody"

    def filled(model: Any) -> None:
        shape = onnx.numpy_helper.from_array(np.array([2**34]), "many")
        model.graph.initializer.append(shape)
        model.graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["many"], ["filled"]))
        keep = onnx.helper.make_node("ReduceSum", ["filled"], ["kept"])
        model.graph.node.insert(1, keep)

    secret = elsewhere / "secret.txt"
    yield changed("weights-elsewhere", elsewhere_at(str(secret)))
    relative = os.path.join("..", "..", elsewhere.name, secret.name)
    yield changed("weights-by-a-relative-way", elsewhere_at(relative))
    yield changed("huge", huge)
    yield changed("ring", ring)
    yield changed("foreign-operator", foreign_operator)
    yield changed("fills-memory", filled, may_be_read=True)  # left out, as nobody needs it


def hostile_openvino(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    text = (whole.path / "model.xml").read_text()
    secret = elsewhere / "secret.txt"
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    laughs = f'<!ENTITY a0 "1">{laughs}'
    body = text.split("?>", 1)[-1]
    texts = {
        "that-laughs": f"<!DOCTYPE net [{laughs}]>" + body.replace('"f32"', '"&a11;"', 1),
        "that-names-a-file": f'<!DOCTYPE net [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
        + body.replace('"f32"', '"&a;"', 1),
        "nested": "<a>" * 10**5,
        "weights-beyond-the-file": _number_in(text, "size", HUGE),
        "weights-before-the-file": _number_in(text, "offset", 2**64 - 8),
        "foreign-layer": text.replace('type="Convolution"', 'type="Surprise"', 1),
        "no-layers": '<?xml version="1.0"?><net name="a" version="11"></net>',
    }
    for name, changed in texts.items():
        folder = root / f"openvino-{name}"
        path = whole.copy(folder)
        (path / "model.xml").write_text(changed)
        # Neither entities nor other files are looked for.
        yield Case(folder.name, "network", path, name.startswith("that"))


def _number_in(text: str, name: str, number: int) -> str:
    """Returns the description with another number for a constant's place in the weights."""
    start = text.index(f'{name}="', text.index("<data", text.index('type="Const"'))) + len(name) + 2
    return text[:start] + str(number) + text[text.index('"', start) :]


def hostile_saved_model(root: Path, whole: Whole) -> Iterator[Case]:
    def copied(name: str) -> Path:
        return whole.copy(root / f"saved-model-{name}")

    path = copied("without-facts")
    shutil.rmtree(path / "assets.extra")
    yield Case(path.parent.name, "network", path)
    path = copied("facts-nested")
    (path / "assets.extra" / "metadata.json").write_bytes(b"[" * 10**6)
    yield Case(path.parent.name, "network", path)
    path = copied("without-variables")
    shutil.rmtree(path / "variables")
    yield Case(path.parent.name, "network", path)
    path = copied("of-another-kind")
    (path / "saved_model.pb").write_bytes(b"\0" * 1000)
    yield Case(path.parent.name, "network", path)
