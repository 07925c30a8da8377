"""Exports a trained network: SavedModel, LiteRT, ONNX or OpenVINO, in float32 or less, checked.

python train/export.py runs/cardiac-acdc-4x/kd-at-D3C5/model.keras --format litert --manual-dir data

Without --manual-dir or --data-dir it is checked (and calibrated) on synthetic slices.
"""

from kdmri_tf.cli.export import run

if __name__ == "__main__":
    run()
