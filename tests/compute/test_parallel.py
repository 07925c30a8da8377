"""Parts of a batch give what the whole batch gives; threads are set in time or not at all."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, divide_cores, export_network
from kdmri_tf.compute import parallel


@pytest.fixture
def two_parts(monkeypatch):
    monkeypatch.setattr(parallel, "_parts", 2)


def test_graphs_work_by_parts_and_give_the_same(inputs, two_parts):
    model = DCCNN(3, 2, filters=4)
    graph = tf.function(lambda inputs: model(inputs, return_features=True))
    image, features = graph(inputs)
    expected, expected_features = model(inputs, return_features=True)  # eager: in one piece
    np.testing.assert_allclose(image, expected, atol=1e-6)
    for feature, expected_feature in zip(features, expected_features, strict=True):
        np.testing.assert_allclose(feature, expected_feature, atol=1e-6)


def test_gradients_of_parts_add_up(inputs, images, two_parts):
    model = DCCNN(2, 2, filters=4)

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(model(inputs) - images))
        return tape.gradient(loss, model.trainable_variables)

    for part, whole in zip(tf.function(gradients)(), gradients(), strict=True):
        np.testing.assert_allclose(part, whole, atol=1e-6)


def test_gradients_do_not_count_what_fills_empty_parts(inputs, two_parts):
    model = DCCNN(2, 1, filters=4)
    one = {name: value[:1] for name, value in inputs.items()}

    def gradients(inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(inputs)))
        return tape.gradient(loss, model.trainable_variables)

    graph = tf.function(gradients, [model.input_specification])
    for part, whole in zip(graph(one), gradients(one), strict=True):
        np.testing.assert_allclose(part, whole, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("is_known", [True, False])
def test_every_batch_size(monkeypatch, size, parts, is_known):
    monkeypatch.setattr(parallel, "_parts", parts)
    calls = []

    def function(values, weights):
        calls.append(values.shape)
        return {"sum": values + weights, "sizes": tf.fill([tf.shape(values)[0]], 1)}

    spec = tf.TensorSpec((size if is_known else None, 3))
    graph = tf.function(lambda *tensors: parallel.by_parts(function, *tensors), [spec, spec])
    values = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
    outputs = graph(values, values)
    np.testing.assert_array_equal(outputs["sum"], values * 2)
    np.testing.assert_array_equal(outputs["sizes"], np.ones(size))
    assert len(calls) == (min(size, parts) if is_known else parts)


def test_exports_are_whole(tmp_path, two_parts):
    model = DCCNN(2, 1, filters=2)
    export_network(model, tmp_path / "divided")
    with parallel.whole_batches():
        export_network(model, tmp_path / "whole")
    assert parallel._parts == 2
    operations = []
    for name in ("divided", "whole"):
        signature = tf.saved_model.load(tmp_path / name).signatures["serving_default"]
        functions = signature.graph.as_graph_def().library.function
        operations.append(sorted(node.op for function in functions for node in function.node_def))
    assert "Conv2D" in operations[0]
    assert operations[0] == operations[1]


def test_too_late():
    program = """
        import tensorflow as tf
        from kdmri_tf import InputError, divide_cores
        from kdmri_tf.compute import parallel
        parallel.num_cores = lambda: 2
        tf.constant(1) + 1
        try:
            divide_cores(2)
        except InputError as error:
            assert "before TensorFlow computes anything, but it has already" in str(error)
        else:
            raise AssertionError("no error")
        assert parallel._parts == 1
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_one_slice_is_not_divided():
    assert divide_cores(1) == 1


def test_sets_the_threads_of_a_process():
    program = """
        import tensorflow as tf
        from kdmri_tf import divide_cores
        from kdmri_tf.compute import parallel
        parallel.num_cores = lambda: 4
        threads = tf.config.threading
        assert divide_cores(6) == 4
        assert threads.get_intra_op_parallelism_threads() == 1
        assert threads.get_inter_op_parallelism_threads() == 4
        assert parallel.threads_per_operation() == 1
        # TensorFlow has one pool of these threads for all parts: fewer would leave cores idle.
        for batch_size in (3, 2):
            assert divide_cores(batch_size) == batch_size
            assert threads.get_intra_op_parallelism_threads() == 4
            assert threads.get_inter_op_parallelism_threads() == batch_size
            assert parallel.threads_per_operation() == 4
        assert divide_cores(1) == 1
        assert tf.config.threading.get_inter_op_parallelism_threads() == 0
        assert parallel.threads_per_operation() == 4
        divide_cores(2)
        sizes = []
        count = lambda values: sizes.append(values.shape[0]) or values
        tf.function(lambda values: parallel.by_parts(count, values))(tf.zeros((3, 1)))
        assert sizes == [1, 2]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
