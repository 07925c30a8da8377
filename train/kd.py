"""KD-MRI from end to end: teacher, student, distilled student, table, figure, SavedModel.

python train/kd.py --dataset knee --acc 4
python train/kd.py --dataset cardiac --acc 4 --method fsp

--method none is imitation of the teacher's image alone.

Stages that are finished in the run folder are reused; a stopped one continues.
"""

from kdmri_tf.cli.kd import run

if __name__ == "__main__":
    run()
