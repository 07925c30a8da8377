"""What trains networks is read in a new process, which has imported nothing of it."""

import subprocess
import sys
import textwrap

import keras
import pytest

from kdmri_tf import Distiller, InputError, SlicePSNR, StudentFriendlyTeacher, load_model


@pytest.fixture
def files(networks, batch, tmp_path):
    """A distiller and a student-friendly teacher, as ModelCheckpoint leaves them."""
    teacher, student = networks
    models = {"distiller": Distiller(teacher, student)}
    models["distiller"].compile("adam", "at", metrics=[SlicePSNR()])
    friendly = StudentFriendlyTeacher(keras.models.clone_model(student), student)
    friendly.compile("adam", metrics=[SlicePSNR()])
    models["friendly"] = friendly
    for name, model in models.items():
        model.fit(*batch, verbose=0)
        model.save(tmp_path / f"{name}.keras")
    return tmp_path


def test_a_new_process_trains_on(files):
    program = f"""
        import kdmri_tf
        folder = {str(files)!r}
        for name, kind in (("distiller", "Distiller"), ("friendly", "StudentFriendlyTeacher")):
            path = f"{{folder}}/{{name}}.keras"
            try:
                kdmri_tf.load_network(path)
            except kdmri_tf.InputError as error:
                refusal = str(error)
                assert f"{{name}}.keras holds a {{kind}}, which trains networks." in refusal
                assert f'kdmri_tf.load_model("{{path}}").student.save("student.keras")' in refusal
            else:
                raise AssertionError("that is no network")
            model = kdmri_tf.load_model(path)
            assert type(model).__name__ == kind
            assert int(model.optimizer.iterations) == 1
            model.student.save(f"{{folder}}/student.keras")
            assert kdmri_tf.load_network(f"{{folder}}/student.keras").architecture == "D3C2"
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_without_what_it_was_compiled_with(files):
    assert not load_model(files / "distiller.keras", compile=False).compiled


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(InputError, match=r"no model .*none\.keras; give a \.keras file, as model"):
        load_model(tmp_path / "none.keras")
    (tmp_path / "half.keras").write_bytes(b"half")
    with pytest.raises(InputError, match=r"half\.keras is not a readable \.keras model"):
        load_model(tmp_path / "half.keras")
    (tmp_path / "model.h5").write_bytes(b"half")
    with pytest.raises(InputError, match=r"model\.h5 must end in \.keras"):
        load_model(tmp_path / "model.h5")
