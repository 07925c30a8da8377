"""On a full disk an export ends in a sentence, the earlier one stays whole, and no part is left."""

import pytest
from full_disk import filled, small_disk
from needed_packages import needed

from kdmri_tf import DCCNN, InputError, Reconstructor, export_network
from kdmri_tf.export.formats import FORMATS

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnxruntime", "tf2onnx", "openvino"):
    needed(package)


@pytest.mark.parametrize("leaving", [0, 40_000])
@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk(tmp_path, format, leaving):
    network, layout = DCCNN(3, 2, filters=32), {"image_size": (40, 36), "phase_encode_axis": 0}
    layout = {} if format == "saved_model" else layout
    with small_disk(tmp_path / "disk") as disk:
        path = disk / f"student{FORMATS[format].suffix}"
        export_network(DCCNN(2, 1, filters=2), path, format, **layout)
        with (
            filled(disk, leaving),
            pytest.raises(InputError, match=r"disk cannot be written to \(no space left on device"),
        ):
            export_network(network, path, format, **layout)
        assert Reconstructor(path).metadata["architecture"] == "D2C1"
        assert [entry.name for entry in disk.iterdir()] == [path.name]
        export_network(network, path, format, **layout)
        assert Reconstructor(path).metadata["architecture"] == "D3C2"
