"""The last whole step of a team: a process that is lost in the middle of a step leaves the others with half of one."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from inpaint_cli.engine.training import Learner


class LastWhole:
    """A copy of everything that a checkpoint holds, as it was after the last step that all processes finished.

    Processes on the CPU alone keep one, and one process alone needs none. On GPUs, where the copy would take memory
    that networks need, what is lost with a process are the steps since the last checkpoint.
    """

    def __init__(self, learner: "Learner"):
        self.learner = learner
        self.needed = learner.team.size > 1 and learner.hardware.device.type == "cpu"
        self._copies: dict[str, Tensor] = {}
        self._step = -1

    @torch.no_grad()
    def keep(self) -> None:
        """Called after a whole step."""
        if not self.needed:
            return
        now = self.learner.tensors()
        if self._copies.keys() == now.keys():
            for name, tensor in now.items():
                self._copies[name].copy_(tensor)
        else:
            self._copies = {name: tensor.detach().clone() for name, tensor in now.items()}
        self._step = self.learner.step

    @torch.no_grad()
    def restore(self) -> bool:
        """Make the learner what it was then; False where no step was finished."""
        if self._step < 0:
            return False
        known = {name.rpartition("/")[0] for name in self._copies}
        for player, optimizer in self.learner.optimizers.items():
            for parameter in list(optimizer.state):
                if f"optimizer/{player}/{self.learner.names[parameter]}" not in known:
                    del optimizer.state[parameter]  # of a player whose first turn was not finished
        for name, tensor in self.learner.tensors().items():
            tensor.copy_(self._copies[name])
        self.learner.step = self._step
        return True
