"""TensorFlow Datasets builders of fully sampled MRI slices: heart, brain and knee."""
