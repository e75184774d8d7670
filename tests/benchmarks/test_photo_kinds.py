"""`patch` beside `tv`, OpenCV's fills and its shift maps, on photographs of every kind that people complete.

`pytest -m benchmark -s tests/benchmarks/test_photo_kinds.py --basetemp=FOLDER` prints the table and leaves it with a
contact sheet in FOLDER. `-k patch` measures one way alone.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
import torch
from photo_kinds import CASES, DATA, Case
from PIL import Image, ImageDraw
from skimage.color import rgb2gray, rgb2lab
from skimage.feature import local_binary_pattern
from skimage.metrics import structural_similarity

from inpaint_cli.method import ImageShape
from inpaint_cli.methods import patch, tv

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]
cv2 = pytest.importorskip("cv2")
RADIUS = 5  # pixels that OpenCV's fills look at
FLAT = 2 / 255  # grey: smaller differences are no texture
MEASURES = ("PSNR", "SSIM", "detail", "gradients", "texture", "seconds")


def by_method(module) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def complete(pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
        mask = torch.from_numpy(~hole).float()[None, None]
        method = module.METHOD(module.METHOD.Settings(), ImageShape(*image.shape[1:]), None)
        completed = method.complete(image * mask, mask, generator=torch.Generator().manual_seed(0))[0, 0]
        return ((completed + 1) * 127.5).round().permute(1, 2, 0).numpy().astype(np.uint8)

    return complete


def by_diffusion(flag: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda pixels, hole: cv2.inpaint(pixels, hole.astype(np.uint8), RADIUS, flag)


def by_shift_maps(pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """After He and Sun 2012, in Lab as its documentation asks. It may change known pixels: they are put back."""
    lab = cv2.cvtColor(np.where(hole[..., None], 0, pixels), cv2.COLOR_RGB2Lab)
    filled = np.zeros_like(lab)
    cv2.xphoto.inpaint(lab, (~hole).astype(np.uint8) * 255, filled, cv2.xphoto.INPAINT_SHIFTMAP)
    return np.where(hole[..., None], cv2.cvtColor(filled, cv2.COLOR_Lab2RGB), pixels)


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "patch": by_method(patch),
    "tv": by_method(tv),
    "Telea": by_diffusion(cv2.INPAINT_TELEA),
    "Navier-Stokes": by_diffusion(cv2.INPAINT_NS),
    "shift maps": by_shift_maps,
}


def gradients(image: np.ndarray) -> np.ndarray:
    """Lengths of the brightness's gradients. uint8 [H, W, 3] -> [H, W], L* in 0..100"""
    down, across = np.gradient(rgb2lab(image)[..., 0])
    return np.hypot(down, across)


def textures(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Shares of the uniform local binary patterns at radius 1 and 2 (Ojala et al. 2002), flat places apart. [2 · 11]"""
    grey = (rgb2gray(image) * 255).round().astype(np.uint8)
    flat = gradients(image) < FLAT * 100
    parts = []
    for radius in (1, 2):
        pattern = np.where(flat, 10, local_binary_pattern(grey, 8, radius, "uniform")).astype(int)
        parts.append(np.bincount(pattern[where], minlength=11) / where.sum())
    return np.concatenate(parts)


def measured(completed: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    """Against the truth in the hole.

    detail: mean gradient, 1 is the photograph's; gradients: the distance of their distributions (Wasserstein), in
    levels of L*; texture: how much of the patterns' shares differs, 0 to 1.
    """
    error = completed[hole].astype(float) - truth[hole]
    _, similar = structural_similarity(completed, truth, channel_axis=2, full=True)
    ours, theirs = (np.sort(gradients(image)[hole]) for image in (completed, truth))
    return {
        "PSNR": 20 * np.log10(255) - 10 * np.log10(np.square(error).mean()),
        "SSIM": similar[hole].mean(),
        "detail": ours.mean() / theirs.mean(),
        "gradients": np.abs(ours - theirs).mean(),
        "texture": np.abs(textures(completed, hole) - textures(truth, hole)).sum() / 4,
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of every way: each case's measures and picture; when all is done, the table and the sheet are written."""
    found: dict[str, dict[Case, dict[str, float]]] = defaultdict(dict)
    pictures: dict[Case, list[np.ndarray]] = defaultdict(list)
    yield found, pictures
    folder = tmp_path_factory.mktemp("kinds")
    table = tabulated(found)
    rows = {
        way: {f"{CASES.index(case) + 1} {case.name}": row for case, row in cases.items()}
        for way, cases in found.items()
    }
    (folder / "measures.json").write_text(json.dumps(rows, indent=1))
    (folder / "table.md").write_text(table)
    for kind in dict.fromkeys(case.kind for case in pictures):
        draw_sheet([(case.name, row) for case, row in pictures.items() if case.kind == kind], folder / f"{kind}.png")
    print(f"\n{table}\n{folder}")


def tabulated(found: dict[str, dict[Case, dict[str, float]]]) -> str:
    """Means over all cases, and each kind's PSNR, detail and texture."""
    lines = [" | ".join(("way", *MEASURES))]
    for way, cases in found.items():
        lines.append(" | ".join((way, *(f"{np.mean([row[name] for row in cases.values()]):.3f}" for name in MEASURES))))
    lines += ["", " | ".join(("kind: PSNR, detail, texture", *found))]
    for kind in dict.fromkeys(case.kind for cases in found.values() for case in cases):
        cells = []
        for cases in found.values():
            rows = [row for case, row in cases.items() if case.kind == kind]
            mean = {name: np.mean([row[name] for row in rows]) for name in MEASURES}
            cells.append(f"{mean['PSNR']:.2f} {mean['detail']:.2f} {mean['texture']:.3f}")
        lines.append(" | ".join((kind, *cells)))
    return "\n".join(lines)


def draw_sheet(rows: list[tuple[str, list[np.ndarray]]], path) -> None:
    """A row for each case: the truth, the hole, each way."""
    height = max(picture.shape[0] for _, row in rows for picture in row)
    width = max(picture.shape[1] for _, row in rows for picture in row)
    sheet = Image.new("RGB", (max(len(row) for _, row in rows) * (width + 4), len(rows) * (height + 18)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, row) in enumerate(rows):
        draw.text((2, number * (height + 18) + 2), name, fill="black")
        for column, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (column * (width + 4), number * (height + 18) + 16))
    sheet.save(path)


@pytest.mark.parametrize("way", WAYS)
def test_holes_of_every_kind(way, results):
    if way == "shift maps" and not hasattr(cv2, "xphoto"):
        pytest.skip("shift maps need opencv-contrib-python-headless")
    if not DATA.is_dir():
        print(f"\nwithout {DATA}: scikit-image's photographs and the drawn scenes alone")
    measures, pictures = results
    for case in CASES:
        loaded = case.load()
        if loaded is None:
            continue
        truth, hole = loaded
        start = time.perf_counter()
        completed = WAYS[way](np.where(hole[..., None], 0, truth).astype(np.uint8), hole)
        seconds = time.perf_counter() - start
        assert np.array_equal(completed[~hole], truth[~hole])
        measures[way][case] = measured(completed, truth, hole) | {"seconds": seconds}
        pictures[case] = pictures[case] or [truth, np.where(hole[..., None], 255, truth).astype(np.uint8)]
        pictures[case].append(completed)
    assert len(measures[way]) > len(CASES) / 4
