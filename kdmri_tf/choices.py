"""The names that users choose from, on the command line and in code.

Plain Python without TensorFlow, so that command lines are checked in an instant. Where a name means
a class or a function, a dictionary beside that gives it, and a test sees that both agree.
"""

SAMPLERS = ("gaussian", "uniform", "equispaced")  # of masks
METHODS = ("at", "fitnets", "cc", "fsp", "sp")  # of comparing features
FIRST_CASCADES = ("random", "second")  # what a student's first cascade starts from after SFT
GRIDS = ("methods", "ablation", "compression", "architectures")  # of a comparison

PRECISIONS = ("float32", "mixed_bfloat16")
SCHEDULES = ("step", "cosine", "constant")  # of the learning rate
STRATEGIES = ("none", "mirrored", "multiworker")  # of spreading training over devices
CONSISTENCY_FORMS = ("auto", "rfft", "fft")  # how training computes data consistency
LEARNED_WEIGHTS = ("learned", "learned_steps")  # what cascades may learn of it

SENSITIVITIES = ("low-resolution", "espirit")  # how those of coils are estimated

EXPORT_FORMATS = ("saved_model", "litert", "onnx", "openvino")
REDUCTIONS = ("float16", "bfloat16", "int8")  # of an export's precision

# What the benchmark of training measures by default, and the first stage of the other methods.
STAGES = ("teacher", "sft", "student", "attention", "distillation")
MORE_STAGES = tuple(method for method in METHODS if method != "at")
