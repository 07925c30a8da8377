"""TensorFlow's functions by the names that NumPy has for them.

Formulas that both libraries compute, such as those of `kdmri_tf.physics.calibration`, are given
`numpy` or this module. What has the same name in both is not repeated with another meaning.
"""

import tensorflow as tf

abs = tf.abs
arange = tf.range
cos = tf.cos
cumsum = tf.cumsum
max = tf.reduce_max
maximum = tf.maximum
minimum = tf.minimum
ones_like = tf.ones_like
shape = tf.shape
sqrt = tf.sqrt
sum = tf.reduce_sum
take = tf.gather
where = tf.where
zeros_like = tf.zeros_like
