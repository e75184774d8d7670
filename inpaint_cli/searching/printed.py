"""The latent search as it is printed: what `search=printed` runs, and what descent.py is to be understood from.

P. Vitoria, J. Sintes, C. Ballester, "Semantic Image Completion through an Adversarial Strategy", 2019, section 4: Adam
with a learning rate of 0.03, β of 0.9 and 0.999, on a random z of each image, kept in [-1, 1] in each iteration. Yeh et
al., CVPR 2017, search alike, and longer.
"""

import torch
from torch import Tensor

from inpaint_cli.searching.blocks import blocks_of
from inpaint_cli.searching.descent import Plan
from inpaint_cli.searching.energy import Energy
from inpaint_cli.searching.model import LatentModel
from inpaint_cli.searching.rows import Rows

RATE, BETAS = 0.03, (0.9, 0.999)  # section 4


def descended(networks: LatentModel, dtype: torch.dtype, z: Tensor, energy: Energy, steps: int) -> Tensor:
    """ẑ = argmin_z of the energy, Eq. 5: z [N, Z] of N images -> [N, Z]. Each row descends as if it were alone."""
    z = z.clone().requires_grad_()
    adam = torch.optim.Adam([z], RATE, BETAS)
    for step in range(steps):
        networks.tell(step / steps)
        with torch.enable_grad():
            images = networks.generator(z.to(dtype))
            (z.grad,) = torch.autograd.grad(energy.total(networks, images, dtype).sum(), z)
        adam.step()
        z.data.clamp_(-1, 1)
    return z.detach()


def descend_as_printed(networks: LatentModel, dtype: torch.dtype, rows: Rows, energy: Energy, plan: Plan) -> None:
    """All steps on all rows, in blocks of one size, so that no row depends on their number; what is left is the last z,
    not the best that was seen."""
    for places, real in blocks_of(rows.active()):
        own = energy.rows(places // rows.starts)
        z = descended(networks, dtype, rows.z[places], own, plan.steps)
        with torch.no_grad():
            energies = own.total(networks, networks.generator(z.to(dtype)), dtype)
        rows.end(places[:real], z[:real], energies[:real], plan.steps)
