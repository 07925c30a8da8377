"""The tables of both papers from nothing, each network beside its published numbers.

python train/papers.py --manual-dir data --masks masks
python train/papers.py --manual-dir data --masks masks --only cardiac-4x brain-4x

Every data set and acceleration is a grid in a folder of its own: teacher, student, student trained
for the epochs of both stages, KD student; cardiac at 4x with SFT as well. A stopped command goes on
where it stopped, and several with different grids can share the work.
"""

from kdmri_tf.cli.papers import run

if __name__ == "__main__":
    run()
