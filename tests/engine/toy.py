"""A method small enough to reason about: two players, batch norm only if asked for, one takes two turns a step."""

from functools import partial

import torch
from torch import nn

from inpaint_cli.method import Defaults, Method, Player, Turn, polynomial


class Toy(Method):
    title = "Toy"
    paper = "mde"
    defaults = Defaults(masks="noise:0.5", batch=8, steps=4, recipe="folder")
    completes_with = ("painter",)

    def __init__(self, shape, masks, ema_decay=0.0, times=2, normalise=False):
        super().__init__(None, shape, masks)
        self.ema_decay, self.times = ema_decay, times
        # Before batch norm a bias has no gradient but rounding, which Adam would make as large as any other.
        self.painter = nn.Conv2d(shape.channels, shape.channels, 3, 1, 1, bias=not normalise)
        self.critic = nn.Conv2d(shape.channels, 1, 3, 2, 1)
        if normalise:
            self.painter = nn.Sequential(self.painter, nn.BatchNorm2d(shape.channels))
            self.critic = nn.Sequential(nn.BatchNorm2d(shape.channels), self.critic)
        optimizer = partial(torch.optim.Adam, lr=1e-2, fused=True)
        self.players = {
            "painter": Player((self.painter,), optimizer, polynomial(1.0)),
            "critic": Player((self.critic,), optimizer),
        }

    def turns(self):
        return (Turn("critic", self.critic_loss, self.times), Turn("painter", self.painter_loss))

    def paint(self, batch):
        return batch.once("painted", lambda: self.painter(batch.observed))

    def critic_loss(self, batch):
        painted, real = self.critic(self.paint(batch).detach()), self.critic(batch.image)
        # Their difference has no gradient for biases but rounding, nothing or 1e-9, which Adam makes a whole step of.
        return {"critic": (painted - real + 1).square().mean() + 0.1 * real.square().mean()}

    def painter_loss(self, batch):
        painted = self.paint(batch)
        decoyed = self.painter(batch.image * batch.fresh_mask())
        return {
            "error": (painted - batch.image).square().mean() + 0.1 * decoyed.square().mean(),
            "critic says": 0.1 * self.critic(painted).mean(),
        }

    def complete(self, observed, mask, *, samples=1, generator=None):
        return torch.where(mask > 0, observed, self.painter(observed))[:, None].expand(-1, samples, -1, -1, -1)
