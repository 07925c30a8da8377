"""Stages of training whose state or configuration is none."""

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from faults.damage import Case
from faults.hostile_files import Payload, npz
from faults.whole_files import Whole

HUGE = 10**9


def hostile_stages(root: Path, elsewhere: Path, whole: Whole) -> Iterator[Case]:
    state = dict(np.load(whole.path / "state.npz"))
    config = json.loads((whole.path / "config.json").read_text())
    first = min(name for name in state if name.startswith("network"))

    def stage(name: str, file: str, content: bytes) -> Case:
        path = whole.copy(root / f"stage-{name}")
        (path / file).write_bytes(content)
        return Case(path.parent.name, "stage", path)

    def arrays(**changes: Any) -> bytes:
        return npz({**state, **changes})

    def configured(**changes: Any) -> bytes:
        return json.dumps({**config, "config": {**config["config"], **changes}}).encode()

    payload = np.array([Payload(elsewhere / "made")], object)
    yield stage("objects", "state.npz", arrays(**{first: payload}))
    yield stage("history-of-objects", "state.npz", arrays(history=payload))
    yield stage("history-nested", "state.npz", arrays(history="[" * 10**6))
    yield stage("history-is-a-number", "state.npz", arrays(history="7"))
    yield stage("pickle", "state.npz", pickle.dumps(Payload(elsewhere / "made")))
    header = b"\x93NUMPY\1\0\x76\0" + (
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3000000000, 300), }".ljust(117) + b"\n"
    )
    entries = {f"{name}.npy": _npy(array) for name, array in state.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, header if name == f"{first}.npy" else content)
        archive.writestr("../../elsewhere/made.npy", _npy(np.ones(3)))
    yield stage("huge", "state.npz", stream.getvalue())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            if name != f"{first}.npy":
                archive.writestr(name, content)
        with archive.open(f"{first}.npy", "w", force_zip64=True) as file:
            text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (335544320,), }"
            file.write(b"\x93NUMPY\1\0\x76\0" + text.ljust(117) + b"\n")
            for _ in range(20):
                file.write(bytes(2**26))
    yield stage("bomb", "state.npz", stream.getvalue())
    for name, text in {
        "nested": b"[" * 10**6,
        "list": b"[1]",
        "null": b'{"config": null}',
        "not-text": b"\xff\xfe\0",
        "number-of-digits": b'{"config": {"epochs": ' + b"9" * 5000 + b"}}",
        "wrong-size": configured(image_size=[-1, "x"]),
        "wrong-teacher": configured(teacher_sha256=[{}]),
        "lines-by-billions": configured(phase_encode_axis=0, measured_lines=[HUGE]),
    }.items():
        yield stage(f"configuration-{name}", "config.json", text)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
