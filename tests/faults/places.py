"""Raw files, a finished run and earlier outputs, which all scripts share."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from faults.interrupted import run
from faults.scenarios import EXPORTS, FINISHED, SCENARIOS, SIZE

from kdmri_tf import DCCNN, export_network, phantom_volume

TRAINING, VALIDATION, SLICES = range(1, 9), (11, 12), 40


def make_places(root: Path) -> Mapping[str, Path]:
    """Writes raw files and a volume, trains all stages of `kdmri kd`, and leaves earlier outputs.

    Returns:
        Name, as scenarios have it in braces -> path.
    """
    places = {name: root / name for name in ("raw", "prepared", "earlier")}
    places |= {"finished": root / "finished" / "run", "volume": root / "volume.npy"}
    for split, seeds in (("train", TRAINING), ("validation", VALIDATION)):
        folder = places["raw"] / "cardiac" / "folder" / split
        folder.mkdir(parents=True)
        for seed in seeds:
            np.save(folder / f"heart{seed}.npy", phantom_volume("cardiac", SIZE, 1, seed))
    np.save(places["volume"], phantom_volume("cardiac", SIZE, SLICES, 5))
    places["finished"].mkdir(parents=True)
    ended = run(FINISHED.words(root / "finished", places))
    assert ended.status == 0, ended.text
    places["earlier"].mkdir()
    for name in filter(None, (scenario.replaces for scenario in SCENARIOS.values())):
        (places["earlier"] / name).write_bytes(gzip.compress(b"an earlier volume"))
    for format, name in EXPORTS.items():
        path, layout = places["earlier"] / name, {"image_size": SIZE, "phase_encode_axis": 0}
        path.unlink()
        layout = {} if format == "saved_model" else layout
        export_network(DCCNN(2, 1, filters=2), path, format, **layout)
    return places
