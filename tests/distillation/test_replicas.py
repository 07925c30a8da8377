"""Two replicas that share batches train what one process trains."""

import json
import subprocess
import sys

# In a process with two processors, of which TensorFlow has to be told before it begins. SGD, as
# Adam makes a step of rounding where a gradient is nearly 0.
TRAINING = """
import json
import keras, numpy as np, tensorflow as tf
from kdmri_tf import CorrelationCongruence, DCCNN, Distiller, SimilarityPreserving
from kdmri_tf import Undersampling, gaussian_mask, phantom_volume
from kdmri_tf.distillation.feature_loss import FeatureLoss
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
images = phantom_volume("cardiac", (32, 32), 8, seed=1)[..., np.newaxis]
inputs = Undersampling(gaussian_mask((32, 32), 2, center_lines=4)).apply(images)
class OfSlicesWithEachOther(FeatureLoss):
    smallest_batch = 2
    def compare(self, teacher, student):
        losses = SimilarityPreserving(), CorrelationCongruence()
        return sum(loss.compare(teacher, student) for loss in losses)
def trained(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(0)
        teacher, student = DCCNN(2, 1, filters=4), DCCNN(2, 1, filters=4)
        student.blocks[0].convs[0].kernel.regularizer = keras.regularizers.L2(0.1)
        distiller = Distiller(teacher=teacher, student=student)
        distiller.compile(keras.optimizers.SGD(1.0), OfSlicesWithEachOther())
    before = student.get_weights()
    data = tf.data.Dataset.from_tensor_slices((inputs, images)).batch(4)
    loss = distiller.fit(data, epochs=1, verbose=0).history["feature_loss"][0]
    return [a - b for a, b in zip(student.get_weights(), before)], loss
moves, loss = trained(tf.distribute.get_strategy())
shared_moves, shared_loss = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
pairs = [(a, b) for a, b in zip(moves, shared_moves) if a.any()]
apart = [float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs]
print(json.dumps([apart, shared_loss / loss]))
"""


def test_two_replicas_train_what_one_trains():
    """Where slices are compared with each other, those of the other replica are among them."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    apart, share_of_loss = json.loads(done.stdout)
    assert len(apart) >= 3  # the last bias does nothing under data consistency
    assert max(apart) < 1e-5
    assert abs(share_of_loss - 1) < 1e-5
