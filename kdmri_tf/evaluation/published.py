"""What the two papers report, to be set beside our own results. Plain numbers, no TensorFlow.

Theirs are means over the validation volumes of their own splits (of the knee: over slices), which
are not ours: compare differences and orders rather than values.
"""

# KD-MRI (Murugesan et al., MIDL 2020, arXiv 2004.05319), table 1:
# (data set, acceleration) -> network -> (PSNR [dB], SSIM).
KD_MRI = {
    ("cardiac", 4): {
        "zero-filled": (24.27, 0.6996),
        "teacher": (32.51, 0.9157),
        "student": (31.92, 0.9053),
        "KD student": (32.07, 0.9084),
    },
    ("cardiac", 5): {
        "zero-filled": (23.82, 0.6742),
        "teacher": (31.49, 0.9002),
        "student": (30.79, 0.8863),
        "KD student": (31.01, 0.8913),
    },
    ("cardiac", 8): {
        "zero-filled": (22.83, 0.6344),
        "teacher": (28.43, 0.8335),
        "student": (27.87, 0.8156),
        "KD student": (28.11, 0.8236),
    },
    ("brain", 4): {
        "zero-filled": (31.38, 0.6651),
        "teacher": (40.03, 0.9781),
        "student": (39.36, 0.9753),
        "KD student": (39.80, 0.977),
    },
    ("brain", 5): {
        "zero-filled": (29.93, 0.6304),
        "teacher": (39.03, 0.971),
        "student": (38.58, 0.9674),
        "KD student": (38.78, 0.9688),
    },
    ("brain", 8): {
        "zero-filled": (29.37, 0.6065),
        "teacher": (35.04, 0.9374),
        "student": (34.39, 0.9281),
        "KD student": (34.83, 0.9337),
    },
    ("knee", 4): {
        "zero-filled": (29.66, 0.8066),
        "teacher": (37.15, 0.9436),
        "student": (36.37, 0.9367),
        "KD student": (36.70, 0.9392),
    },
    ("knee", 5): {
        "zero-filled": (29.20, 0.8007),
        "teacher": (35.16, 0.9231),
        "student": (34.37, 0.9144),
        "KD student": (34.71, 0.9181),
    },
    ("knee", 8): {
        "zero-filled": (28.71, 0.7985),
        "teacher": (32.53, 0.8887),
        "student": (31.92, 0.8804),
        "KD student": (32.32, 0.8867),
    },
}

# SFT-KD-Recon (Matcha et al., MIDL 2023, arXiv 2304.05057), table 1, attention transfer:
# (data set, acceleration) -> network -> PSNR [dB].
SFT_KD_RECON = {
    ("cardiac", 4): {
        "teacher": 32.15,
        "student": 31.68,
        "KD student": 31.95,
        "SFT teacher": 32.26,
        "KD student, SFT": 32.03,
    },
    ("cardiac", 5): {
        "teacher": 31.25,
        "student": 30.59,
        "KD student": 30.88,
        "SFT teacher": 31.33,
        "KD student, SFT": 30.93,
    },
    ("brain", 4): {
        "teacher": 40.05,
        "student": 39.49,
        "KD student": 39.76,
        "SFT teacher": 40.23,
        "KD student, SFT": 40.07,
    },
    ("brain", 5): {
        "teacher": 39.11,
        "student": 38.49,
        "KD student": 38.85,
        "SFT teacher": 39.16,
        "KD student, SFT": 38.92,
    },
}

GRIDS = {f"{dataset}-{acceleration}x": (dataset, acceleration) for dataset, acceleration in KD_MRI}
WITH_SFT = ("cardiac-4x",)  # the grids that we train with a student-friendly teacher, too
