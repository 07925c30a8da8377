"""Exports a trained network: SavedModel, LiteRT, ONNX or OpenVINO, in float32 or less, checked.

kdmri export runs/cardiac-acdc-4x/kd-at-D3C5/model.keras --format litert --manual-dir data

Without --manual-dir or --data-dir it is checked (and calibrated) on synthetic slices.
"""

import argparse

from kdmri_tf.choices import EXPORT_FORMATS, REDUCTIONS
from kdmri_tf.cli import flags, launch
from kdmri_tf.cli.flag_types import ImageSize, count, positive_number
from kdmri_tf.cli.parser import Parser
from kdmri_tf.errors import InputError
from kdmri_tf.sizes import LARGEST_IMAGE, MOST_COILS


def main(arguments: argparse.Namespace) -> None:
    from kdmri_tf.export.formats import check_request, output_beside

    if arguments.largest_loss and not arguments.quantize:
        raise InputError("--largest-loss limits --quantize: leave it out, or add --quantize.")

    kind = arguments.format, arguments.quantize
    output = arguments.output or output_beside(arguments.model, *kind)
    check_request(output, *kind)  # before TensorFlow is imported

    from kdmri_tf.export.export_network import LARGEST_LOSS
    from kdmri_tf.export.export_trained import export_trained

    export_trained(
        arguments.model,
        output,
        *kind,
        arguments.largest_loss or LARGEST_LOSS,
        image_size=arguments.image_size,
        phase_encode_axis=arguments.phase_encode_axis,
        manual_dir=arguments.manual_dir,
        data_dir=arguments.data_dir,
        coils=arguments.coils,
        estimates_sensitivities=arguments.estimate_sensitivities,
    )


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = Parser(description="Export a network.", formatter_class=flags.Formatter)
    parser.add_argument("model", metavar="MODEL", help="name of the zoo, or .keras file")
    parser.add_argument(
        "--format", choices=EXPORT_FORMATS, default="saved_model", help="what to make"
    )
    parser.add_argument(
        "--output",
        help="file or folder to write (default: beside the model; of the zoo: in this folder)",
    )
    parser.add_argument(
        "--quantize",
        choices=REDUCTIONS,
        help="weights in float16 or int8, convolutions in int8 or (SavedModel, OpenVINO) bfloat16",
    )
    parser.add_argument(
        "--largest-loss",
        type=positive_number,
        help="refuse a --quantize that loses more PSNR than this, in dB (default: 0.05)",
    )
    parser.add_argument(
        "--image-size",
        type=count(LARGEST_IMAGE),
        action=ImageSize,
        nargs=2,
        metavar=("H", "W"),
        help="the only one that a LiteRT file takes (default: that of training)",
    )
    parser.add_argument(
        "--phase-encode-axis",
        type=int,
        choices=(0, 1),
        help="LiteRT, ONNX and OpenVINO take masks of whole rows (0) or columns (1) "
        "(default: as in training)",
    )
    parser.add_argument(
        "--coils",
        type=count(MOST_COILS),
        help="of the k-space of a network of complex images: the only number that a LiteRT file "
        "takes; 1 makes an export for one coil alone (default: as in training, else 8)",
    )
    parser.add_argument(
        "--estimate-sensitivities",
        action="store_true",
        help="make the export compute the sensitivities of the coils itself, from the measured "
        "centre of k-space, instead of taking them",
    )
    parser.add_argument("--manual-dir", help="real slices to check on, as for kdmri kd")
    parser.add_argument("--data-dir", help="prepared slices to check on, as for kdmri kd")
    launch.run(main, parser, after_stop="exporting starts over", keeps_memory=False)
