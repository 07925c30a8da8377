"""Exports a trained network as a SavedModel that runs with TensorFlow alone.

python train/export.py runs/cardiac-acdc-4x/kd-D3C5/model.keras --output student

The SavedModel is checked against the network before the command says done.
"""

import argparse
from pathlib import Path

import flags


def main(arguments):
    from kdmri_tf.runs import export_trained

    output = arguments.output or Path(arguments.model).with_name("saved_model")
    export_trained(arguments.model, output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Export a network as a SavedModel.")
    parser.add_argument("model", metavar="MODEL.keras", help="network that training saved")
    parser.add_argument("--output", help="folder (default: saved_model beside the model)")
    flags.run(main, parser)
