"""The console command `kdmri`: its first word names a command, the others are for that command.

kdmri kd --dataset knee --acc 4

Imports neither TensorFlow nor any command but the one that is asked for.
"""

import difflib
import importlib
import importlib.metadata
import sys

from kdmri_tf.cli import failures

# The module of this room that runs it -> one line of `kdmri --help`. In a clone of the repository
# `python train/<command>.py` runs the same module.
COMMANDS = {
    "kd": "the whole chain: train teacher and student, distil, compare, export (KD-MRI)",
    "teacher": "train a teacher",
    "student": "train a student alone, the baseline of distillation",
    "sft": "distil with and without a student-friendly teacher (SFT-KD-Recon)",
    "superres": "the whole chain for super-resolution",
    "compare": "many students in one table and plot: methods, ablation, compression, architectures",
    "papers": "the tables of both papers, beside their published numbers",
    "evaluate": "table and figure of trained networks on the validation split",
    "zoo": "list the trained networks that come with the package, or print a model card",
    "export": "write a trained network as SavedModel, LiteRT, ONNX or OpenVINO",
    "reconstruct": "reconstruct a volume with a trained or exported network",
    "benchmark": "measure the speed of training or inference on this machine",
}


def main() -> None:
    """Runs the command that the command line names; a mistake ends in one line and status 2."""
    name = sys.argv[1] if len(sys.argv) > 1 else None
    if name in ("-h", "--help"):
        try:
            print(_help(), flush=True)
        except BrokenPipeError:
            failures.end_unread()
    elif name == "--version":
        print(f"kdmri {importlib.metadata.version('kdmri_tf')}")
    elif name in COMMANDS:
        # The command then sees the command line that its script in train/ would see.
        sys.argv[:2] = [f"kdmri {name}"]
        importlib.import_module(f"kdmri_tf.cli.{name}").run()
    else:
        print(_help() if name is None else _unknown(name), file=sys.stderr)
        sys.exit(2)


def _help() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        (
            "usage: kdmri [-h] [--version] COMMAND ...",
            "",
            "Distil small MRI reconstruction networks from large ones.",
            "Research software, not for clinical use.",
            "",
            "commands:",
            *(f"  {name:{width}}  {line}" for name, line in COMMANDS.items()),
            "",
            "kdmri COMMAND --help lists the flags of a command.",
        )
    )


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else "kdmri --help lists the commands."
    return f"error: There is no command {name!r}: {hint}"
