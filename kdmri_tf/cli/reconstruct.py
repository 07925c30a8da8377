"""Reconstructs a volume with a trained network, or with what was exported of one.

kdmri reconstruct cardiac-4x heart.nii.gz reconstructed.nii.gz
kdmri reconstruct model.tflite knee.h5 knee.nii.gz --acc 4
"""

import argparse

from kdmri_tf.choices import SAMPLERS, SENSITIVITIES
from kdmri_tf.cli import launch
from kdmri_tf.cli.flag_types import MOST_LINES, count, positive_number, seed
from kdmri_tf.cli.parser import Parser
from kdmri_tf.sizes import MOST_COILS, MOST_SLICES


def main(arguments: argparse.Namespace) -> None:
    from kdmri_tf.inference.reconstruct_volume import reconstruct_file

    reconstruct_file(
        arguments.model,
        arguments.input,
        arguments.output,
        batch_size=arguments.batch_size,
        acceleration=arguments.acc,
        mask=arguments.mask,
        mask_seed=arguments.mask_seed,
        center_lines=arguments.center_lines,
        phase_encode_axis=arguments.phase_encode_axis,
        scale=arguments.scale,
        coils=arguments.coils,
        sensitivities=arguments.sensitivities,
        readout_rows=arguments.readout_rows,
        phase=arguments.phase,
    )


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = Parser(
        description="Reconstruct a volume with a trained network: k-space that is undersampled, or "
        "fully sampled images or k-space that --acc, --mask or --scale degrade first. A preview is "
        "written beside the output, as .png; files that are there are overwritten. Research only, "
        "not for clinical use."
    )
    add = parser.add_argument
    add(
        "model",
        metavar="MODEL",
        help="name of the zoo; .keras, .tflite, .onnx; folder of SavedModel, OpenVINO",
    )
    add(
        "input",
        metavar="INPUT",
        help="fastMRI, ISMRMRD or other .h5, .nii, .nii.gz, "
        "BART's .cfl, CMRxRecon's .mat or .npy volume, or a folder of DICOM files",
    )
    add("output", metavar="OUTPUT", help=".nii.gz, .nii, .h5 or .npy volume to write")
    add(
        "--acc",
        type=positive_number,
        help="undersample, by this nominal acceleration (default: images as in the model's "
        "training, k-space not)",
    )
    samplers = ", ".join(SAMPLERS)
    add(
        "--mask",
        help=f"undersample by this mask: {samplers} (default: gaussian), drawn for --acc; trained, "
        "the model's own; or a .npy file or one of CMRxRecon's .mat files",
    )
    add("--mask-seed", type=seed, help="seed of a drawn mask (default: 0)")
    add(
        "--center-lines",
        type=count(MOST_LINES),
        help="lowest lines of a drawn mask (default: as in the model's training, else as for its "
        "data set, else 10; complex images: at most 24)",
    )
    add(
        "--phase-encode-axis",
        type=int,
        choices=[0, 1],
        help="of a drawn mask, or a .npy file of one value for each line: 0 for rows, 1 for "
        "columns (default: the model's, else 0; complex images: 1)",
    )
    add("--scale", type=positive_number, help="VDSR: lower the resolution this many times first")
    raw = parser.add_argument_group("raw k-space, for networks of complex images")
    raw.add_argument(
        "--coils",
        type=count(MOST_COILS),
        help="compress the coils to so many virtual ones (default: those of an export for a fixed "
        "number, else all)",
    )
    raw.add_argument(
        "--sensitivities",
        metavar="HOW",
        help=f"of the coils: {', '.join(SENSITIVITIES)}, or a .npy or .cfl file of maps (default: "
        "low-resolution, from the measured centre of k-space; espirit needs sigpy)",
    )
    raw.add_argument(
        "--readout-rows",
        type=count(MOST_LINES),
        help="crop the image to so many rows, where the readout along H is oversampled (default: "
        "what the header of the file says)",
    )
    raw.add_argument(
        "--phase",
        action="store_true",
        help="write the phase to a file beside, too; of several coils, as the virtual coil with "
        "most signal sees it",
    )
    add("--batch-size", type=count(MOST_SLICES), default=8, help="slices at a time (default: 8)")
    launch.run(main, parser, "reconstruction starts over")
