"""Fixtures of stages that are not really trained."""

import pytest

from kdmri_tf.training import stage_trainer


@pytest.fixture
def trained(monkeypatch):
    """Stage -> losses that it would train with; weights stay as they are."""
    stages = {}

    def train(model, network, data, folder, settings, teacher_outputs=None, **losses):
        stages[folder.name] = losses

    monkeypatch.setattr(stage_trainer, "train", train)
    return stages
