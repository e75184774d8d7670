"""Occlusions of parts of a face (collagan's table 1, mde's table 3), placed by five landmarks.

Neither paper prints coordinates; collagan says that its masks measure 40×48 pixels on average on 128×128 images. The
boxes below are given in units of the distance between the eyes. Over collagan's six regions (left and right eye, upper,
left, right and lower face) they measure 46×46 pixels on average there. Left is the image's left.

The print's upper face and halves are probably smaller than ours: its PSNR is higher behind them (28.8 and 31.4 dB) than
behind an eye (27.8), while ours hold eyes and are harder. In dB of `tv` on 80 faces at 128×128: an eye 25.2, the lower
face 26.0, but the upper face 22.2 and the left half 23.3. What would fit the print are the brows alone (83×30 pixels,
28.4 dB) and a side of the face beside the eye (30×51, 30.1 dB).
"""

from functools import lru_cache

import torch
from torch import Tensor

from inpaint_cli.masks.arguments import ANY
from inpaint_cli.masks.regions import REGIONS
from inpaint_cli.masks.shapes import Request, in_boxes

# Landmarks of an aligned CelebA face, and the square around (89, 121) that `celeba-96` crops of it.
WHOLE, CORNER, CROP = (178, 218), (25.0, 57.0), (128, 128)
ALIGNED = ((69.5, 111.5), (107.6, 111.5), (88.0, 135.5), (73.0, 151.5), (104.5, 151.5))


def face(request: Request, region: str) -> Tensor:
    """One part of the face is missing: where the landmarks say, else at the canonical position. [B, 1, H, W]"""
    landmarks = canonical_landmarks(request) if request.landmarks is None else request.landmarks.to(request.device)
    anchors = face_anchors(landmarks.float())
    boxes = any_box(request, anchors) if region == ANY else region_box(anchors, region)
    return ~in_boxes(request, boxes.round().unsqueeze(1)).unsqueeze(1)


def any_box(request: Request, anchors: dict[str, Tensor]) -> Tensor:
    """The box of a region drawn for each face, all regions as likely: [B, 4]"""
    boxes = torch.stack([region_box(anchors, region) for region in REGIONS], dim=1)  # [B, regions, 4]
    drawn = request.integers(0, len(REGIONS) - 1, request.count).long()
    return boxes.take_along_dim(drawn[:, None, None], dim=1).squeeze(1)


def canonical_landmarks(request: Request) -> Tensor:
    """An aligned face's landmarks, [B, 5, 2], scaled to the image: a crop, or of CelebA's own proportions the whole."""
    return _aligned(request.width, request.height, request.device).expand(request.count, -1, -1)


@lru_cache(maxsize=64)
def _aligned(width: int, height: int, device: torch.device) -> Tensor:
    """[5, 2], sent to the device once: at each time Python would wait until a GPU has done all else."""
    whole = width == round(height * WHOLE[0] / WHOLE[1])
    corner, size = ((0.0, 0.0), WHOLE) if whole else (CORNER, CROP)
    points = (torch.tensor(ALIGNED) - torch.tensor(corner)) / torch.tensor(size)
    return (points * torch.tensor((width, height))).to(device)


def region_box(anchors: dict[str, Tensor], region: str) -> Tensor:
    """Left, top, width and height of one region: [B, 4]"""
    unit = (anchors["right eye"] - anchors["left eye"]).norm(dim=1)
    axes = (0, 0, 1, 1)  # x of the left and right edge, y of the top and bottom edge
    edges = [anchors[name][:, axis] + offset * unit for (name, offset), axis in zip(REGIONS[region], axes, strict=True)]
    left, right, top, bottom = edges
    return torch.stack((left, top, right - left, bottom - top), dim=1)


def face_anchors(landmarks: Tensor) -> dict[str, Tensor]:
    """Points by name, [B, 2] each: the five landmarks, the middles of eyes and mouth, and the middle of the face."""
    names = ("left eye", "right eye", "nose", "left mouth", "right mouth")
    anchors = dict(zip(names, landmarks.unbind(1), strict=True))
    anchors["eyes"] = (anchors["left eye"] + anchors["right eye"]) / 2
    anchors["mouth"] = (anchors["left mouth"] + anchors["right mouth"]) / 2
    anchors["middle"] = (anchors["eyes"] + anchors["mouth"]) / 2
    return anchors
