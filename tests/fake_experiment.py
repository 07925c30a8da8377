"""An experiment that trains nothing, for tests of what asks it to."""


class FakeExperiment:
    """Records what it is asked to train; a network is the name of its stage."""

    def __init__(self):
        self.stages = []

    def _train(self, name):
        self.stages.append(name)
        return name

    def teacher(self, name):
        return self._train(f"teacher {name}")

    def student(self, name):
        return self._train(f"student {name}")

    def student_path(self, name):
        return f"file of student {name}"

    def friendly_teacher(self, teacher, student, **friendly):
        text = "".join(f" {key}={value}" for key, value in friendly.items())
        return self._train(f"sft {teacher} {student}{text}"), f"file of {student}"

    def distil(self, teacher, student, method, **options):
        text = " ".join(f"{key}={value}" for key, value in options.items())
        return self._train(f"{method}: {teacher} -> {student} {text}".strip())
