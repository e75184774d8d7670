"""CelebAMask-HQ whole and part by part, and Helen: faces with label maps."""

import zipfile

import numpy as np
import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.data.label_maps import HELEN, MOUTH, NUMBERS
from inpaint_cli.errors import InputError

# Label of CelebAMask-HQ: its number; the subject's left eye lies right in the image.
MASK_HQ = {
    "skin": 1,
    "nose": 2,
    "l_eye": 4,
    "r_eye": 5,
    "l_brow": 6,
    "r_brow": 7,
    "mouth": 10,
    "u_lip": 11,
    "l_lip": 12,
}
MASK_HQ |= {"hair": 13, "cloth": 18}
RECTANGLES = {  # left, top, right, bottom in a face of 256 pixels; later ones lie over earlier ones
    "cloth": (0, 230, 256, 256),
    "hair": (60, 20, 196, 110),
    "skin": (75, 60, 180, 225),
    "nose": (118, 110, 138, 155),
    "r_brow": (85, 92, 110, 98),
    "l_brow": (146, 92, 171, 98),
    "r_eye": (90, 106, 108, 114),
    "l_eye": (148, 106, 166, 114),
    "u_lip": (104, 172, 152, 180),
    "mouth": (104, 180, 152, 184),
    "l_lip": (104, 184, 152, 192),
}
AS_HELEN = {
    "skin": "face skin", "nose": "nose", "r_brow": "left eyebrow", "l_brow": "right eyebrow", "r_eye": "left eye",
    "l_eye": "right eye", "u_lip": "upper lip", "mouth": "inner mouth", "l_lip": "lower lip", "hair": "hair",
    "cloth": "background",
}  # fmt: skip


def face(numbers, without=()):
    """A map of 256×256 with `numbers[part]` in each part's rectangle."""
    labels = np.zeros((256, 256), np.uint8)
    for part, (left, top, right, bottom) in RECTANGLES.items():
        if part not in without:
            labels[top:bottom, left:right] = numbers[part]
    return labels


def photograph(size=256):
    """Its colour is Helen's label times 20."""
    labels = face({part: NUMBERS[name] for part, name in AS_HELEN.items()})
    return Image.fromarray(labels * 20).convert("RGB").resize((size, size), Image.Resampling.NEAREST)


@pytest.fixture
def whole(tmp_path):
    folder = tmp_path / "whole"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for name in range(40):
        photograph().save(folder / "images" / f"{name}.png")
        Image.fromarray(face(MASK_HQ)).save(folder / "masks" / f"{name}.png")
    return folder


@pytest.fixture
def in_parts(tmp_path):
    """As distributed: images of 1024 pixels (here 512), masks of half that size, in folders of 2,000 faces."""
    folder = tmp_path / "CelebAMask-HQ"
    (folder / "CelebA-HQ-img").mkdir(parents=True)
    on_skin = [number for part, number in MASK_HQ.items() if part not in ("hair", "cloth")]  # it goes on below them
    for number in (0, 7, 2001):
        photograph(512).save(folder / "CelebA-HQ-img" / f"{number}.jpg", quality=95)
        masks = folder / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        masks.mkdir(parents=True, exist_ok=True)
        for part in MASK_HQ:
            shown = on_skin if part == "skin" else [MASK_HQ[part]]
            mask = 255 * np.isin(face(MASK_HQ), shown).astype(np.uint8)
            Image.fromarray(mask).convert("RGB").save(masks / f"{number:05d}_{part}.png")
    (folder / "CelebAMask-HQ-mask-anno" / "PreprocessFinish.txt").write_text("ok")
    return folder


def around(labels, point):
    """The labels of the nine pixels at a point."""
    x, y = (round(float(value)) for value in point)
    return np.unique(labels[y - 1 : y + 2, x - 1 : x + 2])


def refuse_unlike(made):
    """Every prepared map shows the labels that the photograph's colours name, and landmarks lie on their parts."""
    for split in made.rows:
        held = made.file.split(split)
        for image, labels, points in zip(held.images, held.labels["parsing"], held.labels["landmarks"], strict=True):
            assert np.mean(np.abs(image[:, :, 0].astype(int) - 20 * labels.astype(int)) < 15) > 0.9
            at = [{HELEN[label] for label in around(labels, point)} for point in points]
            assert "left eye" in at[0] and "right eye" in at[1] and at[2] == {"nose"}
            assert at[3] & set(MOUTH) and at[4] & set(MOUTH)
            assert points[0, 0] < points[1, 0] and points[3, 0] < points[4, 0]


def test_whole_maps_become_helen_s_labels_with_landmarks_on_their_parts(whole, tmp_path):
    made = prepare("celebamask-hq-128", whole, tmp_path / "a.h5")
    assert sum(made.rows.values()) == 40 and made.labels == ("landmarks", "parsing")
    assert made.file.label_names["parsing"] == list(HELEN)
    refuse_unlike(made)


def test_masks_by_part_give_the_same_labels(in_parts, tmp_path):
    made = prepare("celebamask-hq-128", in_parts, tmp_path / "a.h5")
    assert sum(made.rows.values()) == 3
    refuse_unlike(made)


def test_the_archive_as_distributed_gives_the_same_file(in_parts, tmp_path):
    expected = prepare("celebamask-hq-128", in_parts.parent, tmp_path / "a.h5").file.identity
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "CelebAMask-HQ.zip", "w") as archive:
        for path in sorted(in_parts.rglob("*")):
            archive.write(path, path.relative_to(in_parts.parent))
    assert prepare("celebamask-hq-128", tmp_path / "packed", tmp_path / "b.h5").file.identity == expected


def test_faces_that_lack_a_part_are_skipped_with_the_reason(whole, tmp_path):
    Image.fromarray(face(MASK_HQ, without=("l_eye",))).save(whole / "masks" / "3.png")
    Image.fromarray(np.full((256, 256), 19, np.uint8)).save(whole / "masks" / "4.png")
    (whole / "masks" / "5.png").write_bytes(b"")
    (whole / "images" / "6.png").unlink()
    made = prepare("celebamask-hq-128", whole, tmp_path / "a.h5")
    assert (sum(made.rows.values()), made.skipped.count, made.without_image) == (36, 3, 1)
    lacking, strange, damaged = made.skipped.reasons
    assert lacking == "3.png: its label map has no left eye, so that its landmarks are unknown"
    assert strange == "4.png: holds the label 19; the labels are 0 to 18" and "5.png" in damaged


def test_images_without_any_map_are_an_error(whole, tmp_path):
    for path in (whole / "masks").iterdir():
        path.rename(path.with_stem("x" + path.stem))
    with pytest.raises(InputError, match="images: none of its 40 images has a label map of the same name"):
        prepare("celebamask-hq-128", whole, tmp_path / "a.h5")


# --- Helen -------------------------------------------------------------------------------------------------------


@pytest.fixture
def helen(tmp_path):
    folder = tmp_path / "helen"
    (folder / "images").mkdir(parents=True)
    labels = face({part: NUMBERS[name] for part, name in AS_HELEN.items()})
    for name in ("100_1", "100_2", "200_1", "300_1"):
        photograph().save(folder / "images" / f"{name}.jpg", quality=95)
        (folder / "labels" / name).mkdir(parents=True)
        for number in range(len(HELEN)):
            soft = np.where(labels == number, 200, 30).astype(np.uint8)  # hair's edges are soft
            Image.fromarray(soft).save(folder / "labels" / name / f"{name}_lbl{number:02d}.png")
    (folder / "exemplars.txt").write_text("1 , 100_1\n2 , 100_2\n\n")
    (folder / "tuning.txt").write_text("1 , 200_1\n")
    (folder / "testing.txt").write_text("1 , 300_1\n2 , 300_2\n")
    return folder


def test_helen_s_lists_are_its_splits_and_its_strongest_masks_its_labels(helen, tmp_path):
    made = prepare("helen-128", helen, tmp_path / "a.h5")
    assert made.rows == {"train": 2, "validation": 1, "test": 1} and made.without_image == 1
    refuse_unlike(made)


def test_helen_s_archive_gives_the_same_file(helen, tmp_path):
    expected = prepare("helen-128", helen, tmp_path / "a.h5").file.identity
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "SmithCVPR2013_dataset_resized.zip", "w") as archive:
        for path in sorted(helen.rglob("*")):
            archive.write(path, "SmithCVPR2013_dataset_resized" / path.relative_to(helen))
    assert prepare("helen-128", tmp_path / "packed", tmp_path / "b.h5").file.identity == expected


def test_absent_masks_and_lists_are_named(helen, tmp_path):
    (helen / "labels" / "200_1" / "200_1_lbl07.png").unlink()
    with pytest.raises(InputError, match="labels: 200_1 and 0 more have not all 11 masks"):
        prepare("helen-128", helen, tmp_path / "a.h5")
    (helen / "tuning.txt").unlink()
    with pytest.raises(InputError, match=r"tuning\.txt: no such file"):
        prepare("helen-128", helen, tmp_path / "a.h5")
    (helen / "tuning.txt").write_bytes(b"\n\n")
    with pytest.raises(InputError, match=r"tuning\.txt: is not a list"):
        prepare("helen-128", helen, tmp_path / "a.h5")


def test_masks_of_different_sizes_are_a_reason(helen, tmp_path):
    Image.new("L", (10, 10)).save(helen / "labels" / "100_1" / "100_1_lbl03.png")
    made = prepare("helen-128", helen, tmp_path / "a.h5")
    assert made.rows["train"] == 1 and "masks of 100_1 differ in size" in made.skipped.reasons[0]
