"""Trainings that stop in the middle, as killed processes do."""

from kdmri_tf.training.training_state import TrainingState


class Stop(Exception):
    """Stands for a process that is killed."""


def stop_in_epoch(monkeypatch, epoch):
    """Lets the next training die in an epoch: after its steps, before its state is saved."""
    save = TrainingState._save

    def dying_save(self):
        if self.epoch == epoch:
            raise Stop
        save(self)

    monkeypatch.setattr(TrainingState, "_save", dying_save)
