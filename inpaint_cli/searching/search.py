"""Completion by descending an energy over the latent space of a trained generator, whole batches of images at once.

P. Vitoria, J. Sintes, C. Ballester, "Semantic Image Completion through an Adversarial Strategy", 2019:

    Eq. 5, 10  search   ẑ = argmin_z of the energy (energy.py), z kept in [-1, 1], by Adam (printed.py, descent.py)
    Eq. 9      edited   Poisson editing of G(ẑ) into the image

`search=printed` begins at one random z for each sample of each image, `search=turned` at the best that differ of many,
which are drawn once and looked at by every image. All rows of all images descend together, in blocks of one fixed size
(blocks.py), and an image's own z follow from the seed and the image alone: its result does not depend on what else is
in the batch.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inpaint_cli.blending.blends import poisson_blend
from inpaint_cli.errors import InputError, Remark
from inpaint_cli.networks.folding import frozen_copy
from inpaint_cli.searching.blocks import blocks_of, in_blocks
from inpaint_cli.searching.descent import Plan, descend
from inpaint_cli.searching.energy import Energy
from inpaint_cli.searching.model import LatentModel
from inpaint_cli.searching.printed import descend_as_printed
from inpaint_cli.searching.rows import Rows

PREVIEW_ROWS = 4  # of samples, in the grids of a training
THUMBNAIL = 16  # pixels; starts are told apart at this size
Draw = Callable[[int, torch.Generator], Tensor]  # (count, generator) -> z, [count, Z]
SHORTLIST = 4  # times as many starts as are wanted: the best by energy, of which those that differ are taken


class Found(NamedTuple):
    """The best first."""

    images: Tensor  # G(ẑ), [B, samples, C, H, W], float32
    latents: Tensor  # ẑ, [B, samples, Z]
    energies: Tensor  # [B, samples]
    steps: Tensor  # taken by each start, [B, starts]
    dropped: int  # starts whose energy was not finite


def search(
    method: LatentModel,
    energy: Energy,
    mask: Tensor,
    plan: Plan,
    draw: Draw,
    *,
    samples: int = 1,
    generator: torch.Generator | None = None,
) -> Found:
    """ẑ = argmin_z of the energy (Eq. 5, Eq. 10) for B images, from several starts each.

    method: a frozen copy is used, in the type that autocast asks for. The images that are returned are made in float32.
    energy: of the B images; mask: [B, 1, H, W]. Images without a hole are not searched for.
    draw: (count, generator) -> [count, Z], what the generator was trained on.
    Raises InputError for a mask without any known pixel, DivergedError when no start of an image stays finite; warns
    with a Remark when some starts do not.
    """
    refuse_unknown(mask)
    device = mask.device
    generator = generator or torch.Generator(device).manual_seed(0)
    with _arithmetic(device) as dtype:
        networks, exact = frozen_copy(method, dtype), frozen_copy(method)
        printed = plan.search == "printed"
        starts = samples if printed else max(plan.restarts, samples)
        if printed or plan.candidates <= starts:  # nothing to choose from
            z = own_starts(draw, energy, starts, generator)
        else:
            pool = draw(plan.candidates, generator)
            z = pool[choose_starts(networks, dtype, pool.clamp(-plan.limit, plan.limit), energy, mask, starts)]
        rows = Rows((z if printed else z.clamp(-plan.limit, plan.limit)).flatten(0, 1), starts, samples)
        rows.rest((mask > 0).flatten(1).all(dim=1).repeat_interleave(starts))
        (descend_as_printed if printed else descend)(networks, dtype, rows, energy, plan)
        latents, energies, dropped = rows.best(samples)
        if dropped:
            lost = f"{dropped} of the search's {len(rows.z)} starts were dropped: their energy was not finite"
            warnings.warn(lost, Remark, stacklevel=2)
        images = in_blocks(exact.generator, latents.flatten(0, 1)).unflatten(0, (-1, samples))
    return Found(images, latents, energies, rows.steps.unflatten(0, (-1, starts)), dropped)


def edited(found: Tensor, observed: Tensor, mask: Tensor, editing: str = "poisson") -> Tensor:
    """Poisson editing of each sample into the image, Eq. 9: [B, S, C, H, W], [B, C, H, W], [B, 1, H, W] -> as found."""
    if editing == "paste":
        return torch.where(mask[:, None] > 0, observed[:, None], found)
    samples = found.unbind(dim=1)
    return torch.stack([poisson_blend(sample, observed, mask).clamp(-1, 1) for sample in samples], dim=1)


def refuse_unknown(mask: Tensor) -> None:
    """Raise `InputError` when the mask of an image leaves nothing known."""
    empty = (mask <= 0).flatten(1).all(dim=1).nonzero().flatten().tolist()
    if empty:
        which = "" if len(mask) == 1 else f" of image {empty[0] + 1} of {len(mask)}"
        raise InputError(
            f"the mask{which} leaves nothing known, and a latent search goes by what is known around the hole: "
            "give a mask with some known pixels"
        )


def sample_rows(method: LatentModel, columns: int) -> dict[str, Tensor]:
    """Samples of the same z through the whole training, by the row of its grids: `complete` would search for long."""
    device = next(method.generator.parameters()).device
    z = method.draw(PREVIEW_ROWS * columns, torch.Generator(device).manual_seed(0))
    return {f"samples {row + 1}": part for row, part in enumerate(method.generator(z).chunk(PREVIEW_ROWS))}


@contextmanager
def _arithmetic(device: torch.device) -> Iterator[torch.dtype]:
    """No autocast, and one order of summing on GPUs; gives the type that autocast would have computed in."""
    kind = device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
    one_order = partial(torch.backends.cudnn.flags, enabled=True, benchmark=False, deterministic=True)
    with torch.autocast(kind, enabled=False), one_order() if kind == "cuda" else nullcontext():
        yield dtype


# ---- where the descent begins ----------------------------------------------------------------------------------------


def own_starts(draw: Draw, energy: Energy, starts: int, generator: torch.Generator) -> Tensor:
    """Random z that no two images share, [B, starts, Z]: each a function of the seed, the image and its number."""
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    digests = [_digest(energy, place) for place in range(len(energy.terms[0].image))]
    own = torch.Generator(generator.device)

    def drawn(digest: bytes, number: int) -> Tensor:
        text = hashlib.blake2b(digest + f":{seed}:{number}".encode(), digest_size=8).digest()
        return draw(1, own.manual_seed(int.from_bytes(text, "big") >> 1))

    return torch.stack([torch.cat([drawn(digest, number) for number in range(starts)]) for digest in digests])


def _digest(energy: Energy, place: int) -> bytes:
    """Of all that one image is compared with."""
    digest = hashlib.blake2b()
    for term in energy.terms:
        for tensor in (term.image, term.mask):
            digest.update(tensor[place].float().cpu().numpy().tobytes())
    return digest.digest()


def choose_starts(
    networks: LatentModel, dtype: torch.dtype, pool: Tensor, energy: Energy, mask: Tensor, starts: int
) -> Tensor:
    """Of the candidates [P, Z] of least contextual energy those that differ most, for each image: [B, starts]."""
    views = [energy.near(place) for place in range(len(mask))]
    looks, seen = [], []
    for places, count in blocks_of(torch.arange(len(pool), device=pool.device)):
        with torch.no_grad():
            images = networks.generator(pool[places].to(dtype)).float()[:count]
        looks.append(torch.stack([own.contextual(images[..., rows, columns]) for own, rows, columns in views]))
        seen.append(_thumbnails(images).flatten(2))
    energies, thumbnails = torch.cat(looks, dim=1), torch.cat(seen)
    missing = _thumbnails(1 - mask).flatten(2)
    return torch.stack([differing(own, thumbnails * hole, starts) for own, hole in zip(energies, missing, strict=True)])


def _thumbnails(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    return F.adaptive_avg_pool2d(images, (min(THUMBNAIL, height), min(THUMBNAIL, width)))


def differing(energies: Tensor, looks: Tensor, count: int) -> Tensor:
    """The best, then those of the shortlist that look least like any taken before: [P], [P, ...] -> [count]."""
    shortlist = torch.where(energies.isfinite(), energies, torch.inf).argsort(stable=True)[: SHORTLIST * count]
    looks = looks[shortlist].flatten(1)
    taken, nearest = [0], torch.full((len(shortlist),), torch.inf, device=looks.device)
    while len(taken) < count:
        nearest = torch.minimum(nearest, (looks - looks[taken[-1]]).square().sum(dim=1))
        nearest[taken] = -1
        taken.append(int(nearest.nan_to_num(nan=-0.5).argmax()))
    return shortlist[taken]
