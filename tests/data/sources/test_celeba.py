"""CelebA's lists and images."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from data_sets import prepare
from PIL import Image

from inpaint_cli.errors import InputError

SHARED = Path(__file__).parents[4] / "shared" / "data" / "celeba"
EYE = (67, 111)  # a pixel of the aligned image, x, y


@pytest.fixture
def celeba(tmp_path):
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 7)]
    for name in names[:5]:
        pixels = np.zeros((218, 178, 3), np.uint8)
        pixels[EYE[1] - 1 : EYE[1] + 2, EYE[0] - 1 : EYE[0] + 2] = 255
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name, quality=100, subsampling=0)
    partition = "".join(f"{name} {part}\n" for name, part in zip(names, (0, 0, 0, 1, 2, 2), strict=True))
    (folder / "list_eval_partition.txt").write_text(partition)
    heads = " ".join(f"trait{number}" for number in range(40))
    row = "  ".join(["-1", " 1"] * 20)
    (folder / "list_attr_celeba.txt").write_text(f"6\n{heads} \n" + "".join(f"{name} {row}\n" for name in names))
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} {n}\n" for n, name in enumerate(names, 1)))
    points = f"{EYE[0]} {EYE[1]} 108 111 88 135 70 152 107 152"
    heads = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    landmarks = f"6\n{heads}\n" + "".join(f"{name} {points}\n" for name in names)
    (folder / "list_landmarks_align_celeba.txt").write_text(landmarks)
    return folder


def test_celeba_follows_the_partition_and_counts_rows_without_an_image(celeba, tmp_path):
    made = prepare("celeba-96", celeba, tmp_path / "a.h5")
    assert made.rows == {"train": 3, "validation": 1, "test": 1}
    assert (made.without_image, made.skipped.count) == (1, 0)
    train = made.file.split("train")
    assert train.names == ["000001.jpg", "000002.jpg", "000003.jpg"]
    assert train.labels["attributes"][0].tolist() == [0, 1] * 20
    assert train.labels["labels"][:].tolist() == [0, 1, 2]
    assert made.file.label_names["attributes"][39] == "trait39"


def test_landmarks_move_with_the_pixels(celeba, tmp_path):
    train = prepare("celeba-96", celeba, tmp_path / "a.h5").file.split("train")
    light = train.images[0].astype(float).sum(2)
    rows, columns = np.indices(light.shape)
    center = (columns * light).sum() / light.sum(), (rows * light).sum() / light.sum()
    assert train.labels["landmarks"][0, 0] == pytest.approx(center, abs=0.05)
    eyes = train.labels["landmarks"][0, :2, 0]
    assert eyes[1] - eyes[0] == pytest.approx((108 - 67) * 0.75)


def test_celeba_without_optional_lists_has_no_such_labels(celeba, tmp_path):
    for name in ("list_attr_celeba.txt", "identity_CelebA.txt", "list_landmarks_align_celeba.txt"):
        (celeba / name).unlink()
    assert prepare("celeba-96", celeba, tmp_path / "a.h5").labels == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("list_attr_celeba.txt", "6\n", "7\n", "promises 7 rows but 6"),
        ("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg 0", "-1 or 1"),
        ("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg", "line 4 has 39"),
        ("list_landmarks_align_celeba.txt", "000003.jpg 67", "000003.jpg x", "line 5"),
        ("list_eval_partition.txt", "000004.jpg 1", "000004.jpg 3", "line 4"),
        ("list_eval_partition.txt", "000004.jpg 1", "../../a.jpg 1", "line 4"),
        ("identity_CelebA.txt", "000002.jpg 2\n", "", "no row for 000002.jpg"),
    ],
)
def test_damaged_lists_are_named_with_their_line(celeba, tmp_path, name, old, new, problem):
    path = celeba / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=f"{name}.*{problem}"):
        prepare("celeba-96", celeba, tmp_path / "a.h5")


def test_an_image_that_is_not_aligned_is_skipped_with_its_size(celeba, tmp_path):
    Image.new("RGB", (100, 100)).save(celeba / "img_align_celeba" / "000002.jpg")
    made = prepare("celeba-96", celeba, tmp_path / "a.h5")
    assert made.rows["train"] == 2 and "000002.jpg" in made.skipped.reasons[0] and "100×100" in made.skipped.reasons[0]


# --- other forms -------------------------------------------------------------------------------------------------

NAMES = [f"{number:06d}.jpg" for number in range(1, 7)]
LANDMARK_HEADS = " ".join(
    f"{part}_{axis}" for part in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy"
)
ALIGNED = np.array([[67, 111], [108, 111], [88, 135], [70, 152], [107, 152]])


def in_the_wild(points):
    """Where a point of the aligned image lies in the image as it was found: doubled, turned by a quarter, shifted."""
    return np.stack([700 - 2 * points[..., 1], 40 + 2 * points[..., 0]], axis=-1)


def write_list(path, heads, values):
    rows = "".join(f"{name} {' '.join(str(value) for value in values)}\n" for name in NAMES)
    path.write_text(f"{len(NAMES)}\n{heads}\n{rows}")


@pytest.fixture
def wild(celeba):
    """The same faces as they were found, on their side; boxes of 100×120 around the aligned image's point (88, 130)."""
    (celeba / "img_celeba").mkdir()
    for name in NAMES[:5]:
        pixels = np.zeros((420, 720, 3), np.uint8)
        x, y = in_the_wild(ALIGNED[0])
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
        Image.fromarray(pixels).save(celeba / "img_celeba" / name, quality=100, subsampling=0)
    write_list(celeba / "list_landmarks_celeba.txt", LANDMARK_HEADS, in_the_wild(ALIGNED).ravel())
    x, y = in_the_wild(np.array([88, 130]))
    write_list(celeba / "list_bbox_celeba.txt", "image_id x_1 y_1 width height", (x - 100, y - 120, 200, 240))
    return celeba


def halve(folder, *names):
    for name in names:
        path = folder / "img_align_celeba" / name
        with Image.open(path) as image:
            image.resize((89, 109), Image.Resampling.BOX).save(path, quality=100, subsampling=0)


def test_half_size_images_are_cut_as_full_size_ones_where_the_recipe_takes_them(celeba, tmp_path):
    """The eye stays where the landmarks say, in a set of both sizes; the list of landmarks is the full-size one."""
    halve(celeba, "000001.jpg", "000003.jpg")
    made = prepare("celeba-64-part", celeba, tmp_path / "a.h5")
    assert sum(made.rows.values()) == 5 and made.skipped.count == 0 and "89×109 pixels were enlarged" in notes(made)
    for split in made.rows:
        rows = made.file.split(split)
        for image, points in zip(rows.images, rows.labels["landmarks"], strict=True):
            assert points[0] == pytest.approx(eye_in(image), abs=0.1)
            assert points[1, 0] - points[0, 0] == pytest.approx((108 - 67) / 2)


def test_half_size_images_are_cut_by_their_boxes(wild, tmp_path):
    whole = prepare("celeba-64-part", wild, tmp_path / "a.h5")
    halve(wild, *NAMES[:5])
    halved = prepare("celeba-64-part", wild, tmp_path / "b.h5")
    assert "boxes, moved" in notes(halved)
    for split in whole.rows:
        one, other = (made.file.split(split) for made in (whole, halved))
        assert one.names == other.names
        np.testing.assert_array_equal(one.labels["landmarks"], other.labels["landmarks"])
        for image, points in zip(other.images, other.labels["landmarks"], strict=True):
            assert points[0] == pytest.approx(eye_in(image), abs=0.3)


def test_half_size_images_are_refused_where_the_recipe_does_not_say_so(celeba, tmp_path):
    halve(celeba, "000002.jpg")
    made = prepare("celeba-96", celeba, tmp_path / "a.h5")
    assert made.rows["train"] == 2 and "000002.jpg: is 89×109 pixels, not 178×218" in made.skipped.reasons[0]
    text = (REPOSITORY / "data_recipes" / "celeba-96.toml").read_text()
    (tmp_path / "own.toml").write_text(text.replace("minimum_rows = 1_000", "") + "scales = [0.5]\n")
    made = prepare(tmp_path / "own.toml", celeba, tmp_path / "b.h5")
    assert made.rows["train"] == 3 and made.skipped.count == 0


@pytest.mark.parametrize("size", [(88, 109), (89, 110), (44, 54), (100, 100)])
def test_images_of_another_size_are_no_copies(celeba, tmp_path, size):
    Image.new("RGB", size).save(celeba / "img_align_celeba" / "000002.jpg")
    made = prepare("celeba-64-part", celeba, tmp_path / "a.h5")
    assert sum(made.rows.values()) == 4 and f"is {size[0]}×{size[1]} pixels" in made.skipped.reasons[0]


@pytest.mark.parametrize("scale", ["0", "1", "-0.5", "2"])
def test_scales_lie_between_0_and_1(tmp_path, scale):
    text = (REPOSITORY / "data_recipes" / "celeba-64.toml").read_text().replace("scales = [0.5]", f"scales = [{scale}]")
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=r"own.toml: source.celeba.scales"):
        prepare(tmp_path / "own.toml", tmp_path, tmp_path / "a.h5")


def eye_in(image):
    light = image.astype(float).sum(2)
    rows, columns = np.indices(light.shape)
    return (columns * light).sum() / light.sum(), (rows * light).sum() / light.sum()


def test_wild_faces_are_cropped_by_their_landmarks_which_move_along(wild, tmp_path):
    made = prepare("celeba-128", wild, tmp_path / "a.h5")
    assert made.rows == {"train": 3, "validation": 1, "test": 1}
    train = made.file.split("train")
    for image, points in zip(train.images, train.labels["landmarks"], strict=True):
        assert points[0] == pytest.approx(eye_in(image), abs=0.3) and points.min() > 10 and points.max() < 118
    assert len({tuple(points[0]) for points in train.labels["landmarks"]}) == 3
    assert "as they were found" in notes(made)


def notes(made):
    return " ".join(made.file.options["notes"])


def test_aligned_faces_without_a_list_of_landmarks_are_cropped_by_average_places_and_the_file_says_so(celeba, tmp_path):
    made = prepare("celeba-128", celeba, tmp_path / "a.h5")
    assert "landmarks" in made.labels and "average" not in notes(made)
    (celeba / "list_landmarks_align_celeba.txt").unlink()
    made = prepare("celeba-128", celeba, tmp_path / "b.h5")
    assert "landmarks" not in made.labels and "average places of aligned faces" in notes(made)
    for image in made.file.split("train").images:
        assert all(10 < place < 118 for place in eye_in(image))


def test_wild_faces_without_their_lists_are_refused_before_any_work(wild, tmp_path):
    (wild / "list_landmarks_celeba.txt").unlink()
    with pytest.raises(InputError, match=r"found no list_landmarks_celeba\.txt"):
        prepare("celeba-128", wild, tmp_path / "a.h5")


def test_boxes_move_into_the_aligned_images_by_the_landmarks_of_both(wild, tmp_path):
    made = prepare("celeba-64", wild, tmp_path / "a.h5")
    assert "moved into the aligned images" in notes(made)
    side = 120  # half of 240: the images as found are twice as large
    expected = (ALIGNED[0] + 0.5 - (88 - side / 2, 130 - side / 2)) * 64 / side - 0.5
    assert made.file.split("train").labels["landmarks"][0, 0] == pytest.approx(expected, abs=0.5)
    assert eye_in(made.file.split("train").images[0]) == pytest.approx(expected, abs=0.5)


def test_boxes_cut_the_images_as_they_were_found_where_only_those_are_here(wild, tmp_path):
    (wild / "img_align_celeba").rename(tmp_path / "elsewhere")
    made = prepare("celeba-64", wild, tmp_path / "a.h5")
    x, y = in_the_wild(np.array([88, 130]))
    expected = (in_the_wild(ALIGNED[0]) + 0.5 - (x - 120, y - 120)) * 64 / 240 - 0.5
    assert eye_in(made.file.split("train").images[0]) == pytest.approx(expected, abs=0.5)
    (wild / "list_bbox_celeba.txt").unlink()
    with pytest.raises(InputError, match=r"found no list_bbox_celeba\.txt"):
        prepare("celeba-64", wild, tmp_path / "b.h5")


def test_without_boxes_the_aligned_face_is_cut_and_the_file_says_so(celeba, tmp_path):
    made = prepare("celeba-64", celeba, tmp_path / "a.h5")
    assert "crop: the aligned face, since no list of boxes applied" in notes(made)
    assert eye_in(made.file.split("train").images[0]) == pytest.approx((ALIGNED[0] + 0.5 - (25, 57)) / 2 - 0.5, abs=0.3)


def test_the_last_thousand_of_the_numbered_images_are_held_out(celeba, tmp_path):
    for number in (201_599, 201_600, 202_599):
        Image.new("RGB", (178, 218)).save(celeba / "img_align_celeba" / f"{number}.jpg")
    for name in (
        "list_eval_partition.txt",
        "list_attr_celeba.txt",
        "identity_CelebA.txt",
        "list_landmarks_align_celeba.txt",
    ):
        (celeba / name).unlink()
    made = prepare("celeba-64", celeba, tmp_path / "a.h5")
    assert made.file.split("test").names == ["201600.jpg", "202599.jpg"] and made.rows["train"] == 6


def test_the_center_recipe_needs_no_partition_and_cuts_pixels_as_they_are(celeba, tmp_path):
    (celeba / "list_eval_partition.txt").unlink()
    made = prepare("celeba-128-center", celeba, tmp_path / "a.h5", allow_leaks=True)
    assert sum(made.rows.values()) == 5 and set(made.rows) <= {"train", "validation", "test"}
    split = made.file.split("train")
    with Image.open(celeba / "img_align_celeba" / split.names[0]) as image:
        assert np.array_equal(split.images[0], np.asarray(image)[45:173, 25:153])


def test_the_archive_of_aligned_images_and_lists_as_csv_give_the_same_file(celeba, tmp_path):
    expected = prepare("celeba-96", celeba, tmp_path / "a.h5").file.identity
    with zipfile.ZipFile(celeba / "img_align_celeba.zip", "w") as archive:
        for path in sorted((celeba / "img_align_celeba").iterdir()):
            archive.write(path, f"img_align_celeba/img_align_celeba/{path.name}")
    (celeba / "img_align_celeba").rename(tmp_path / "elsewhere")
    for stem, skipped in (("list_attr_celeba", 1), ("list_landmarks_align_celeba", 1), ("list_eval_partition", 0)):
        lines = (celeba / f"{stem}.txt").read_text().splitlines()[skipped:]
        heads = ["partition", *lines][: 1 - skipped] + lines[:skipped]
        body = "\n".join(",".join(line.split()) for line in lines[skipped:])
        (celeba / f"{stem}.csv").write_text(f"image_id,{','.join(heads[0].split())}\n{body}\n")
        (celeba / f"{stem}.txt").unlink()
    assert prepare("celeba-96", celeba, tmp_path / "b.h5").file.identity == expected


def test_an_archive_that_is_not_read_is_named_with_what_to_do(celeba, tmp_path):
    (celeba / "img_align_celeba").rename(tmp_path / "elsewhere")
    (celeba / "img_align_celeba.7z").write_bytes(b"7z")
    with pytest.raises(InputError, match=r"img_align_celeba\.7z: .*7z x"):
        prepare("celeba-96", celeba, tmp_path / "a.h5")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/celeba")
def test_the_real_lists_and_images_are_read(tmp_path):
    made = prepare("celeba-96", SHARED, tmp_path / "a.h5", limit=20)
    assert made.rows == {"train": 20, "validation": 20, "test": 20} and made.without_image == 2000
    assert made.file.label_names["attributes"][31] == "Smiling"


# ---- Kaggle's archive ------------------------------------------------------------------------------------------------


@pytest.fixture
def kaggle(celeba, tmp_path):
    """One zip: images two folders deep, the same lists as CSV, some with CRLF, and what a Mac leaves."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for path in (celeba / "img_align_celeba").iterdir():
            archive.write(path, f"img_align_celeba/img_align_celeba/{path.name}")
        archive.writestr("__MACOSX/img_align_celeba/._000001.jpg", b"resource")
        archive.writestr(".DS_Store", b"finder")
        for stem in ("list_eval_partition", "list_attr_celeba", "list_landmarks_align_celeba"):
            lines = (celeba / f"{stem}.txt").read_text().splitlines()
            if stem == "list_eval_partition":
                table = ["image_id,partition", *(line.replace(" ", ",") for line in lines)]
            else:
                table = ["image_id," + ",".join(lines[1].split()), *(",".join(line.split()) for line in lines[2:])]
            ending = "\r\n" if stem == "list_attr_celeba" else "\n"
            archive.writestr(f"{stem}.csv", ending.join(table) + ending)
    return tmp_path / "archive.zip"


def test_kaggles_archive_as_one_zip_gives_the_same_file(celeba, kaggle, tmp_path):
    (celeba / "identity_CelebA.txt").unlink()  # Kaggle has none
    whole = prepare("celeba-96", celeba, tmp_path / "a.h5")
    packed = prepare("celeba-96", kaggle, tmp_path / "b.h5")
    assert packed.file.identity == whole.file.identity and packed.labels == ("landmarks", "attributes")
    assert packed.rows == {"train": 3, "validation": 1, "test": 1} and packed.without_image == 1


def test_an_archive_without_images_or_lists_says_so(kaggle, tmp_path):
    with zipfile.ZipFile(kaggle) as archive, zipfile.ZipFile(tmp_path / "images.zip", "w") as images:
        for name in archive.namelist():
            if name.endswith(".jpg"):
                images.writestr(name, archive.read(name))
    with pytest.raises(InputError, match=r"images\.zip: holds no list_eval_partition\.txt or list_eval_partition\.csv"):
        prepare("celeba-96", tmp_path / "images.zip", tmp_path / "a.h5")
    with zipfile.ZipFile(tmp_path / "lists.zip", "w") as lists:
        lists.writestr("list_eval_partition.csv", "image_id,partition\n")
    with pytest.raises(
        InputError, match=r"lists\.zip: is not a folder, and as an archive it holds no img_align_celeba"
    ):
        prepare("celeba-96", tmp_path / "lists.zip", tmp_path / "a.h5")
    with zipfile.ZipFile(kaggle) as archive, zipfile.ZipFile(tmp_path / "damaged.zip", "w") as damaged:
        for name in archive.namelist():
            content = archive.read(name)
            damaged.writestr(
                name, content.replace(b"000004.jpg,1", b"000004.jpg,7") if "partition" in name else content
            )
    with pytest.raises(InputError, match=r"damaged\.zip.list_eval_partition\.csv: line 5"):
        prepare("celeba-96", tmp_path / "damaged.zip", tmp_path / "a.h5")
