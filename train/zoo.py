"""Lists the trained networks that come with the package, and prints their model cards.

python train/zoo.py
python train/zoo.py cardiac-4x
"""

from kdmri_tf.cli.zoo import run

if __name__ == "__main__":
    run()
