"""Losses and models that train a student, or a teacher for its student."""
