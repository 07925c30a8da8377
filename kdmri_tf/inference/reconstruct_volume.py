"""Reconstructs whole files: a volume in, a volume and a preview out."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from kdmri_tf.inference.choose_acquisition import Wishes, acquisition_of
from kdmri_tf.inference.preview import preview_figure, previewed_slices
from kdmri_tf.inference.reconstruct_slices import reconstruct_slices
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.training_conditions import warn_of_other_conditions
from kdmri_tf.pictures import draw
from kdmri_tf.progress import follow
from kdmri_tf.volumes.open_volume import open_volume
from kdmri_tf.volumes.write_volume import (
    check_output,
    phase_beside,
    preview_beside,
    suffix_of,
    volume_output,
)


def reconstruct_file(
    model: Reconstructor | Path | str,
    source: Path | str,
    output: Path | str,
    batch_size: int = 8,
    phase: bool = False,
    **wishes: Unpack[Wishes],
) -> None:
    """Reconstructs a volume, writes it with a preview `.png` beside it, and prints how it went.

    Args:
        model: path of a network in any format of `Reconstructor`, or a `Reconstructor`.
        source: the volume, see `open_volume`.
        output: `.nii.gz`, `.nii`, `.h5` or `.npy`, see `volume_output`; an earlier file there is
            replaced, as is the preview. Of complex images it holds the magnitude, but `.npy` the
            complex values.
        batch_size: slices at a time.
        phase: whether to write the phase of complex images, in radians, to a file beside it, such
            as knee-phase.nii.gz. Of several coils it is, as in `.npy`, the phase that the virtual
            coil with the most signal sees.
        wishes: what the network is given: `acceleration`, `mask`, `mask_seed`, `center_lines`,
            `phase_encode_axis`, `scale`, `coils`, `sensitivities` and `readout_rows`, as the flags
            of `kdmri reconstruct`.

    Raises:
        InputError: something is wrong with these; no volume is written then.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from kdmri_tf import phantom_volume, reconstruct_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     heart = Path(folder) / "heart.npy"
        ...     np.save(heart, phantom_volume("cardiac", (150, 150), num_slices=2, seed=0))
        ...     output = Path(folder) / "reconstructed.npy"
        ...     reconstruct_file("cardiac-4x", heart, output, mask="trained")
        ...     np.load(output).shape  # doctest: +ELLIPSIS
        Model ...
        (2, 150, 150)
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1; got {batch_size}.")
    mask = wishes.get("mask")
    maps = wishes.get("sensitivities")
    sources = [source, *(path for path in (mask, maps) if path is not None)]
    for place in (output, phase_beside(output)) if phase else (output,):
        check_output(place, sources)
    with open_volume(source) as volume:
        network = Reconstructor(model) if isinstance(model, str | Path) else model
        acquisition = acquisition_of(volume, network, **wishes)
        if phase and not network.complex_images:
            raise InputError(
                f"{network.path} reconstructs magnitude images, which have no phase: leave --phase "
                "out (in code phase)."
            )
        size, scale = acquisition.image_size, wishes.get("scale")
        facts = network.metadata
        warn_of_other_conditions(facts, size, acquisition.mask, scale, acquisition.coils)
        note, shape = _note(network), (volume.num_slices, *size)
        print(f"Model {network.path} ({network.format}): {note}.")
        print(f"Input {source}: {shape[1]}x{shape[2]}, {acquisition.origin}.", flush=True)
        shown, scores = [], []
        is_complex = network.complex_images and suffix_of(output) == ".npy"
        with ExitStack() as outputs:
            to_write = partial(volume_output, shape=shape, grid=volume.grid, note=note)
            slices = outputs.enter_context(to_write(output, complex_values=is_complex))
            phases = outputs.enter_context(to_write(phase_beside(output))) if phase else None
            parts = reconstruct_slices(network, acquisition, volume.num_slices, batch_size)
            total = volume.num_slices
            for part in follow(parts, what="reconstructing", unit="slice", total=total):
                slices[part.index] = part.image if is_complex else part.shown
                if phases is not None:
                    phases[part.index] = np.angle(part.image)
                scores.append((part.seconds, part.psnr, part.degraded_psnr))
                if part.index in previewed_slices(volume.num_slices):
                    shown.append(part)
        flip = volume.grid.first_row_is_lowest
    print(f"Wrote {output}: {_summary(scores, acquisition.degraded_name)}.")
    if phase:
        print(f"Wrote {phase_beside(output)}: their phase, in radians.")
    preview = preview_beside(output)
    title = f"{printable(Path(source).name)}\n{note}"

    def paint(place: Path) -> None:
        preview_figure(shown, place, title, acquisition.degraded_name, flip)

    if draw(preview, paint):
        print(f"Wrote {preview}: a preview of {len(shown)} of them.")


def _note(network: Reconstructor) -> str:
    """Returns what a reader of the network's images must know."""
    facts = network.metadata
    name = facts.get("architecture") or printable(Path(network.path).name)
    dataset, source = facts.get("dataset"), facts.get("source")
    origin = f"{dataset} data ({source})" if dataset else "unknown data"
    if source == "synthetic":
        origin = f"SYNTHETIC {dataset} data"
    return f"{name}, trained on {origin}; not for clinical use"


def _summary(scores: Sequence[Sequence[float | None]], degraded_name: str) -> str:
    """Returns, in words, slices, the network's time and, with a target, the mean PSNR over slices.

    Args:
        scores: (seconds, PSNR, PSNR without a network) of every slice, each where it is known.
        degraded_name: what to call an image without a network.
    """
    facts = [f"{len(scores)} slice{'s' * (len(scores) > 1)}"]
    seconds, psnr, degraded_psnr = (
        [value for value in values if value is not None] for values in zip(*scores, strict=True)
    )
    if seconds:  # the first batches may take longer
        facts.append(f"{1000 * np.median(seconds):.3g} ms a slice in the network")
    else:
        facts.append("all blank")
    if psnr:
        facts.append(
            f"PSNR {np.mean(psnr):.2f} dB a slice ({degraded_name} {np.mean(degraded_psnr):.2f} dB)"
        )
    return ", ".join(facts)
