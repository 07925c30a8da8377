"""Degraded batches of a prepared data set, as `tf.data` pipelines."""
