"""A volume through a network: whole files, in batches of slices, in little memory."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.volume_metrics import psnr
from kdmri_tf.inference.acquisition import MeasuredSlice
from kdmri_tf.inference.choose_acquisition import acquisition_of
from kdmri_tf.inference.preview import preview_figure, previewed_slices
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.training_conditions import warn_of_differences
from kdmri_tf.volumes.open_volume import open_volume
from kdmri_tf.volumes.write_volume import check_output, preview_beside, volume_output


@dataclass(frozen=True)
class ReconstructedSlice:
    """One slice of a volume.

    Attributes:
        index: in the volume.
        measured: what the network was given.
        image: what it made of it, float32 `(H, W)`, in the units of the file.
        seconds: the time of its batch in the network, by the number of slices in it; None for a
            blank slice.
    """

    index: int
    measured: MeasuredSlice
    image: np.ndarray
    seconds: float | None

    @property
    def psnr(self):
        """`volume_metrics.psnr` [dB] of this slice alone; None if it is blank or has no target."""
        return self._psnr(self.image)

    @property
    def degraded_psnr(self):
        """That of what is to be seen without a network."""
        return self._psnr(self.measured.degraded)

    def _psnr(self, image):
        target = self.measured.target
        if target is None or self.measured.scale == 0:
            return None
        return psnr(target[np.newaxis], image[np.newaxis])


def reconstruct_slices(network, acquisition, num_slices, batch_size=8):
    """Reconstructs slice by slice; a blank one is blank again, without the network.

    Args:
        network: a `Reconstructor`.
        acquisition: from `acquisition_of`.
        num_slices: of the volume.
        batch_size: slices that are read and reconstructed at a time.

    Returns:
        Iterator over `ReconstructedSlice`, in order.

    Raises:
        InputError: the file is damaged, or the network gives NaN or infinity.
    """
    for start in range(0, num_slices, batch_size):
        indices = range(start, min(start + batch_size, num_slices))
        measured = {index: acquisition.measure(index) for index in indices}
        seen = [index for index in indices if measured[index].scale > 0]
        images, seconds = {}, None
        if seen:
            batch = np.stack([measured[index].measurement for index in seen])
            begin = time.perf_counter()
            output = np.asarray(network(batch, *acquisition.more_inputs))[..., 0]
            seconds = (time.perf_counter() - begin) / len(seen)
            images = dict(zip(seen, output, strict=True))
        for index in indices:
            part = measured[index]
            image = images.get(index, np.zeros_like(part.degraded)) * np.float32(part.scale)
            if not np.isfinite(image).all():
                raise InputError(
                    f"{network.path} makes NaN or infinity of slice {index} (the first is 0); use "
                    "another network."
                )
            yield ReconstructedSlice(index, part, image, seconds if part.scale > 0 else None)


def reconstruct_file(model, source, output, batch_size=8, **wishes):
    """Reconstructs a volume, writes it and a preview `.png` beside it, and says how it went.

    Args:
        model: path of a network in any format of `Reconstructor`, or a `Reconstructor`.
        source: the volume, see `volume_files.open_volume`.
        output: `.nii.gz`, `.nii`, `.h5` or `.npy`, see `volume_output`; overwritten if it is there,
            as is the preview.
        batch_size: slices at a time.
        wishes: further arguments of `acquisition_of`: acceleration, mask, scale, ...

    Raises:
        InputError: whatever is wrong with these; nothing is then written.
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1; got {batch_size}.")
    check_output(output, [source, *filter(None, [wishes.get("mask")])])
    with open_volume(source) as volume:
        network = Reconstructor(model) if isinstance(model, str | Path) else model
        acquisition = acquisition_of(volume, network, **wishes)
        scale = wishes.get("scale")
        warn_of_differences(network.metadata, volume.image_size, acquisition.mask, scale)
        note, shape = _note(network), (volume.num_slices, *volume.image_size)
        print(f"Model {network.path} ({network.format}): {note}.")
        print(f"Input {source}: {shape[1]}x{shape[2]}, {acquisition.origin}.", flush=True)
        shown, scores = [], []
        with volume_output(output, shape, volume.grid, note) as slices:
            parts = reconstruct_slices(network, acquisition, volume.num_slices, batch_size)
            for part in tqdm(parts, total=volume.num_slices, unit="slice", disable=None):
                slices[part.index] = part.image
                scores.append((part.seconds, part.psnr, part.degraded_psnr))
                if part.index in previewed_slices(volume.num_slices):
                    shown.append(part)
        flip = volume.grid.first_row_is_lowest
    print(f"Wrote {output}: {_summary(*zip(*scores, strict=True), acquisition.degraded_name)}.")
    preview = preview_beside(output)
    preview_figure(shown, preview, f"{Path(source).name}\n{note}", acquisition.degraded_name, flip)
    print(f"Wrote {preview}: a preview of {len(shown)} of them.")


def _note(network):
    """What is to be known of whatever the network makes."""
    facts = network.metadata
    name = facts.get("architecture", Path(network.path).name)
    dataset, source = facts.get("dataset"), facts.get("source")
    origin = f"{dataset} data ({source})" if dataset else "unknown data"
    if source == "synthetic":
        origin = f"SYNTHETIC {dataset} data"
    return f"{name}, trained on {origin}; not for clinical use"


def _summary(seconds, psnr, degraded_psnr, degraded_name):
    """Slices, the network's time and, if the target is known, the mean PSNR over slices."""
    facts = [f"{len(seconds)} slice{'s' * (len(seconds) > 1)}"]
    seconds, psnr, degraded_psnr = (
        [value for value in values if value is not None]
        for values in (seconds, psnr, degraded_psnr)
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
