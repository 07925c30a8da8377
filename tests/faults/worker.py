"""Reads files that a test names, one a line, and answers each with how that went.

The test starts it as a process of its own: a file may end it, hang it, or ask for all memory. It is
called with the kinds of file that will come, of which it reads a whole one first, so that what is
imported for them does not count as memory of the file.
"""

import json
import os
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError

SIZE = (16, 12)
NETWORK_SIZE = (36, 32)  # what exports are checked on is no smaller
COILS = 4
MEMORY = 2**30  # bytes of address space above what a whole file takes


def volume(path):
    """Reads all of it, as preparation and reconstruction do together."""
    from kdmri_tf.volumes.open_volume import open_volume
    from kdmri_tf.volumes.volume import KspaceVolume

    with open_volume(path) as opened:
        for index in range(min(opened.num_slices, 100)):
            opened.stored(index)
            if isinstance(opened, KspaceVolume):
                opened.kspace(index)
            opened.magnitude(index)


def calgary(path):
    from tfds_builders.readers.calgary_campinas import read_multi_channel, read_single_channel

    (read_multi_channel if path.suffix == ".h5" else read_single_channel)(path)


def mask(path):
    from kdmri_tf.physics.masks import load_mask
    from kdmri_tf.volumes.mask_file import read_mat_mask

    (read_mat_mask if path.suffix == ".mat" else load_mask)(path, SIZE)


def sensitivities(path):
    from kdmri_tf.volumes.sensitivities_file import load_sensitivities

    load_sensitivities(path, SIZE, COILS)


def network(path):
    """Opens it and reconstructs an image."""
    from kdmri_tf.inference.reconstructor import Reconstructor

    lines = np.zeros(NETWORK_SIZE, np.float32)
    lines[::2] = 1
    Reconstructor(path)(np.ones((1, *NETWORK_SIZE, 2), np.float32), lines)


def stage(path):
    """Takes up the training of a stage, and what its run has trained."""
    import keras

    from kdmri_tf import DCCNN
    from kdmri_tf.training.stage_differences import check_config
    from kdmri_tf.training.trained_networks import finished_networks, trained_in_words
    from kdmri_tf.training.training_state import TrainingState

    dccnn, optimizer = DCCNN(2, 1, filters=2), keras.optimizers.Adam()
    optimizer.build(dccnn.trainable_variables)
    TrainingState(path, dccnn, optimizer)
    check_config(path, {})
    trained_in_words(path.parent)
    finished_networks(path.parent, {})


READERS = {
    "volume": volume,
    "calgary": calgary,
    "mask": mask,
    "sensitivities": sensitivities,
    "network": network,
    "stage": stage,
}


def answer_to(kind, path):
    """Reads a file; returns the outcome, and words about it."""
    try:
        READERS[kind](Path(path))
    except InputError as error:
        return "refused", str(error)
    except BaseException:  # whatever it is, the test shows it
        return "fault", traceback.format_exc()
    return "read", ""


def main():
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # libraries print what they like
    os.dup2(2, 1)
    for line in sys.stdin:
        kind, path, is_whole = json.loads(line)
        start = time.monotonic()
        outcome, words = answer_to(kind, path)
        seconds = time.monotonic() - start
        answers.write(json.dumps([outcome, words, round(seconds, 2)]) + "\n")
        if is_whole:
            unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_AS, unlimited)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * resource.getpagesize() + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
