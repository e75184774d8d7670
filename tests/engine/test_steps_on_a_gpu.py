"""A GPU computes what Python has asked for while Python asks for more: whatever makes it wait costs in each step."""

import pytest
import torch
from engine.test_compiling import LEARNED, built

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.training import take_step

WARM = 2  # steps in which constants are sent, and libraries set themselves up


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", LEARNED)
def test_python_waits_for_nothing_within_a_step(name):
    learner, batches = built(name, choose_hardware("cuda"))
    learner.step -= WARM
    for _ in range(WARM):
        take_step(learner, batches)
    torch.cuda.set_sync_debug_mode("error")
    try:
        take_step(learner, batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")
