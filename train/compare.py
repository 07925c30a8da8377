"""One table and one plot of many networks: methods, KD-MRI's ablation, compression, architectures.

python train/compare.py methods --dataset cardiac --acc 4 --manual-dir data
python train/compare.py ablation --dataset cardiac --acc 8 --seeds 42 43 --manual-dir data
python train/compare.py compression --dataset brain --acc 4 --students D4C5 D2C5 --manual-dir data
python train/compare.py architectures --dataset cardiac --acc 4 --students D3C5 D5C8-unshuffle2

What rows share is trained once; a stopped comparison goes on where it stopped.
"""

from kdmri_tf.cli.compare import run

if __name__ == "__main__":
    run()
