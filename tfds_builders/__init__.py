"""TensorFlow Datasets builders of fully sampled cardiac, brain and knee MRI slices."""
