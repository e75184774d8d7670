"""The semantic paper's figures 7 and 12: what Poisson editing does, and faces given the features of others.

    python -m inpaint_cli.jobs.evaluation.face_figures editing|merging DATA.h5 RUN OUTPUT.png [NAME=VALUE …]

Both are of the first and the last images of the test split; settings are those of the search.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.feeding import to_signed, to_uint8
from inpaint_cli.files import replacing
from inpaint_cli.jobs.loading import check_shape, load_for_completion
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Method
from inpaint_cli.metrics.metric import Completions
from inpaint_cli.metrics.ssim import METRIC as SSIM
from inpaint_cli.reports.grids import grid

FACES = 4  # columns
REGIONS = ("both-eyes", "mouth", "upper")  # of another face each, and the first of them without one
SEED = 0


class Faces(NamedTuple):
    """A trained method, and the faces of the test split that it is shown with."""

    method: Method
    images: np.ndarray  # uint8 [N, H, W, C]

    @classmethod
    def load(cls, data: Path, run: Path, settings: Sequence[str]) -> "Faces":
        prepared = PreparedFile(data)
        loaded = load_for_completion(run, None, settings, choose_hardware("auto", "fp32"))
        check_shape(loaded, prepared)
        return cls(loaded.method, np.asarray(prepared.split("test").images[:]))

    def signed(self, images: np.ndarray) -> Tensor:
        """[-1, 1], [N, C, H, W], where the method is."""
        return to_signed(torch.from_numpy(images.copy())).to(next(self.method.parameters()).device)

    def hole(self, spec: str) -> Tensor:
        """The same of all faces, 1 = known, [1, 1, H, W]."""
        height, width, channels = self.images.shape[1:]
        drawn = parse_masks(spec).draw(1, (channels, height, width), generator=torch.Generator().manual_seed(SEED))
        return drawn.to(next(self.method.parameters()).device)

    def completed(self, images: np.ndarray, mask: Tensor, reference: np.ndarray | None = None) -> np.ndarray:
        """The first sample of each, uint8 [N, H, W, C]; reference: [H, W, C], whom all are to resemble."""
        image, masks = self.signed(images), mask.expand(len(images), -1, -1, -1)
        generator = torch.Generator(image.device).manual_seed(SEED)
        others: dict[str, Any] = (
            {} if reference is None else {"reference": self.signed(reference[None]).expand_as(image)}
        )
        with torch.no_grad():
            found = self.method.complete(torch.where(masks > 0, image, 0.0), masks, generator=generator, **others)
        return to_uint8(found[:, 0])


def editing(data: Path, run: Path, settings: Sequence[str]) -> Image.Image:
    """Figure 7: faces with a hole, what was found put into it, and the same edited by Eq. 9."""
    ways = [Faces.load(data, run, [*settings, f"editing={way}"]) for way in ("paste", "poisson")]
    faces, mask = ways[0].images[:FACES], ways[0].hole("center:32" if ways[0].images.shape[1] >= 64 else "center:8")
    shown = [shaded(faces, mask), *(way.completed(faces, mask) for way in ways)]
    return grid([list(row) for row in shown], labels_left=["", "pasted", "edited, Eq. 9"])


def merging(data: Path, run: Path, settings: Sequence[str]) -> Image.Image:
    """Figure 12: faces above, others at the left beside the region that is taken from them, SSIM to the face above."""
    known = Faces.load(data, run, settings)
    faces, blank = known.images[:FACES], np.full_like(known.images[0], 255)
    rows, below = [[blank, blank, *faces]], [[""] * (FACES + 2)]
    for reference, region, found, similar in merged(known, faces):
        rows.append([blank if reference is None else reference, region, *found])
        below.append(["", "", *(f"{value:.3f}" for value in similar)])
    return grid(rows, labels_below=below)


def merged(known: Faces, faces: np.ndarray) -> Iterator[tuple[np.ndarray | None, np.ndarray, np.ndarray, np.ndarray]]:
    """Row by row: the other face, the mask with its region, the faces with it, and their SSIM to what they were."""
    others: list[np.ndarray | None] = [*known.images[-len(REGIONS) :], None]
    for region, other in zip([*REGIONS, REGIONS[0]], others, strict=True):
        mask = known.hole(f"face:{region}")
        hole = (mask[0, 0] == 0).cpu().numpy()
        found = known.completed(faces, mask, other)
        similar = SSIM.rows(Completions(faces, found, np.broadcast_to(hole, faces.shape[:3])))["ssim"]
        inside = np.zeros_like(faces[0]) if other is None else other
        yield other, np.where(hole[..., None], inside, np.uint8(255)), found, similar


def shaded(images: np.ndarray, mask: Tensor) -> np.ndarray:
    """Holes in grey."""
    return np.where((mask[0] > 0).movedim(0, -1).cpu().numpy(), images, np.uint8(128))


FIGURES = {"editing": editing, "merging": merging}

if __name__ == "__main__":
    figure, data, run, output, *settings = sys.argv[1:]
    with replacing(Path(output), overwrite=True) as temporary:
        FIGURES[figure](Path(data), Path(run), settings).save(temporary, format="PNG")
