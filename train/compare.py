"""One table and one plot of many students: distillation methods, KD-MRI's ablation, compression.

python train/compare.py methods --dataset cardiac --acc 4
python train/compare.py ablation --dataset cardiac --acc 8 --seeds 42 43
python train/compare.py compression --dataset brain --acc 4 --students D4C5 D3C5 D2C5

What rows share is trained once; a stopped comparison goes on where it stopped.
"""

from kdmri_tf.cli.compare import run

if __name__ == "__main__":
    run()
