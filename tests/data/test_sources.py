"""Each source is read in its genuine form, and says what is missing or damaged."""

import gzip
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.data.crops import FixedCrop, SquareCrop
from inpaint_cli.data.geometry import Window
from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.recipes import HashSplits, load_recipe, recipe_names
from inpaint_cli.data.rows import Row
from inpaint_cli.data.shaping import Shaping
from inpaint_cli.data.sources.photographs import grid
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError

FACELESS = Row("a", np.zeros((1, 1, 3), np.uint8))
DIGITS = """
name = "digits"
title = "Digits"
paper = "none"
sentence = "none"
terms = "none"
mode = "gray"
size = 32
crop = { kind = "square" }
source = { kind = "idx", validation = 4 }
"""


def prepare(name, source, output, **options):
    recipe, text = load_recipe(str(name))
    return prepare_file(recipe.resized(options.pop("size", None)), text, source, output, **options)


# --- idx ---------------------------------------------------------------------------------------------------------


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(length.to_bytes(4, "big") for length in values.shape)
    return header + values.tobytes()


@pytest.fixture
def digits(tmp_path):
    (tmp_path / "digits.toml").write_text(DIGITS)
    folder = tmp_path / "idx"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, rows in (("train", 10), ("t10k", 3)):
        images = gzip.compress(idx(random.integers(0, 256, (rows, 28, 28), dtype=np.uint8)))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(rows, dtype=np.uint8) % 10))
    return tmp_path


def test_idx_files_give_the_three_splits_with_labels(digits):
    made = prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")
    assert made.rows == {"train": 6, "validation": 4, "test": 3}
    assert made.file.shape == (1, 32, 32)
    assert made.file.split("validation").labels["labels"].tolist() == [6, 7, 8, 9]
    assert made.file.split("validation").names[0] == "train/00006"


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("kept", [0, 2, 9, -1])
def test_truncated_idx_files_are_named(digits, name, kept):
    path = digits / "idx" / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=name):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")


def test_an_idx_file_cut_before_it_was_packed_is_named(digits):
    path = digits / "idx" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-5]))
    with pytest.raises(InputError, match=r"train-images.*cut short"):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")


def test_missing_idx_files_are_listed_with_the_places_searched(digits):
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte or train-images-idx3-ubyte\.gz; looked in"):
        prepare(digits / "digits.toml", digits, digits / "a.h5")


def test_a_set_below_its_recipe_s_minimum_is_an_error_unless_limited(digits):
    text = DIGITS.replace("size = 32", "size = 32\nminimum_rows = 14")
    (digits / "digits.toml").write_text(text)
    with pytest.raises(InputError, match=r"13 usable images.*needs 14"):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")
    assert prepare(digits / "digits.toml", digits / "idx", digits / "a.h5", limit=2).rows["train"] == 2


# --- CelebA ------------------------------------------------------------------------------------------------------

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
    assert train.labels["labels"].tolist() == [0, 1, 2]
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


# --- folders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "deep [bold]").mkdir(parents=True)
    for number in range(30):
        Image.new("RGB", (20 + number, 16), (number, 0, 0)).save(folder / "deep [bold]" / f"-{number} é\n.png")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "loop").symlink_to(folder)
    return folder


def test_a_tree_of_images_is_split_by_its_names(tree, tmp_path):
    made = prepare("folder", tree, tmp_path / "a.h5", size=16)
    assert sum(made.rows.values()) == 30 and made.skipped.count == 0 and made.file.shape == (3, 16, 16)
    (tree / "deep [bold]" / "more.png").write_bytes((tree / "deep [bold]" / "-0 é\n.png").read_bytes())
    later = prepare("folder", tree, tmp_path / "b.h5", size=16)
    for split in made.rows:
        assert set(made.file.split(split).names) <= set(later.file.split(split).names)


def test_the_hash_of_a_name_decides_its_split():
    splits = HashSplits(train=0.8, validation=0.1, test=0.1)
    drawn = [splits.split(f"{number}.png") for number in range(10_000)]
    assert abs(drawn.count("train") / 10_000 - 0.8) < 0.02 and abs(drawn.count("test") / 10_000 - 0.1) < 0.02
    first = int(sha256(b"0.png").hexdigest()[:16], 16) / 2**64
    assert drawn[0] == ("train" if first < 0.8 else "validation" if first < 0.9 else "test")


def test_unreadable_files_are_skipped_counted_and_listed_and_strict_refuses(tree, tmp_path):
    for number in range(12):
        (tree / f"note{number:02d}.txt").write_text("not an image")
    made = prepare("folder", tree, tmp_path / "a.h5", size=16)
    assert sum(made.rows.values()) == 30 and made.skipped.count == 12 and len(made.skipped.reasons) == 10
    assert "note00.txt" in made.skipped.reasons[0] and "not an image" in made.skipped.reasons[0]
    with pytest.raises(InputError, match=r"note00\.txt.*--strict"):
        prepare("folder", tree, tmp_path / "b.h5", size=16, strict=True)
    assert not (tmp_path / "b.h5").exists()


def test_a_folder_without_one_usable_image_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files"):
        prepare("folder", tmp_path / "empty", tmp_path / "a.h5")
    (tmp_path / "empty" / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"not one usable image(.|\n)*a\.txt"):
        prepare("folder", tmp_path / "empty", tmp_path / "a.h5")


def test_the_limit_holds_for_each_split(tree, tmp_path):
    limited = prepare("folder", tree, tmp_path / "a.h5", size=16, limit=1)
    assert set(limited.rows.values()) == {1}


# --- the demo ----------------------------------------------------------------------------------------------------


def squares(file, split):
    """(photograph, left, right) of each square, from its name."""
    for name in file.split(split).names:
        photograph, square = name.split("/")
        side, left, _ = map(int, square.split("+"))
        yield photograph, left, left + side


def test_the_demo_needs_no_source_and_shares_no_pixel_between_splits(tmp_path):
    made = prepare("demo", None, tmp_path / "a.h5", size=16)
    assert 900 <= made.rows["train"] <= 2000 and 80 <= made.rows["test"] <= 200
    tested = {photograph for photograph, _, _ in squares(made.file, "test")}
    right_of = max(right for photograph, _, right in squares(made.file, "train") if photograph in tested)
    assert right_of <= min(left for _, left, _ in squares(made.file, "test"))
    others = [{photograph for photograph, _, _ in squares(made.file, split)} for split in ("train", "validation")]
    assert others[0] - tested and not others[0] & others[1]
    with pytest.raises(UsageError, match="leave out --source"):
        prepare("demo", tmp_path, tmp_path / "b.h5")


def test_the_grid_stays_inside_the_photograph():
    squares = list(grid(100, 50, (20, 60), 2))
    assert len(squares) == 9 * 4 and all(left + side <= 100 and top + side <= 50 for left, top, side in squares)


# --- cutting, recipes --------------------------------------------------------------------------------------------


def test_the_square_lies_in_the_middle_and_shrinking_antialiases():
    assert SquareCrop(kind="square").window(30, 20, FACELESS) == Window(5, 0, 20)
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(Window(0, 0, 64).cut(stripes, 16, "bicubic")[:, 1:-1].astype(int) - 127).max() <= 3


def test_the_fixed_square_of_the_paper_is_0_75_of_128():
    crop = load_recipe("celeba-96")[0].crop
    assert crop == FixedCrop(kind="fixed", image=(178, 218), center=(89, 121), side=128)
    assert crop.window(178, 218, FACELESS) == Window(25, 57, 128) and load_recipe("celeba-96")[0].size == 128 * 0.75


def test_shaping_pickles_small():
    import pickle

    recipe, _ = load_recipe("celeba-96")
    assert len(pickle.dumps(Shaping(recipe.mode, recipe.crop, recipe.size, recipe.filter))) < 2000


def test_every_recipe_of_the_house_is_valid_and_named_as_its_file():
    assert recipe_names() == ["celeba-96", "demo", "folder", "mnist-96"]
    for name in recipe_names():
        assert load_recipe(name)[0].name == name


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('mode = "gray"', 'mode = "grey"', "mode"),
        ("size = 32", "size = 32\nsizes = 3", "sizes"),
        ("size = 32", "", "size"),
        ('"idx"', '"idy"', "source"),
        ('kind = "idx", validation = 4', 'kind = "folder"', "splits"),
        ("size = 32", "size =", "TOML"),
        ("size = 32", "size = 32\nsplits = { train = 0.8 }", "sum to 1"),
    ],
)
def test_a_wrong_recipe_names_file_field_and_problem(tmp_path, old, new, problem):
    (tmp_path / "mine.toml").write_text(DIGITS.replace(old, new))
    with pytest.raises(InputError, match=rf"mine\.toml: .*{problem}"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_an_unknown_recipe_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'mnist-96'"):
        load_recipe("mnist96")
    with pytest.raises(InputError, match=r"absent\.toml"):
        load_recipe(str(tmp_path / "absent.toml"))


def test_what_is_wrong_before_any_work(tree, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"mine")
    with pytest.raises(UsageError, match="--overwrite"):
        prepare("folder", tree, tmp_path / "old.h5")
    with pytest.raises(EnvironmentFault, match="does not exist"):
        prepare("folder", tree, tmp_path / "nowhere" / "a.h5")
    with pytest.raises(InputError, match="no such folder"):
        prepare("folder", tmp_path / "absent", tmp_path / "a.h5")
    with pytest.raises(UsageError, match="needs --source"):
        prepare("folder", None, tmp_path / "a.h5")
    with pytest.raises(UsageError, match="defined at 96"):
        prepare("mnist-96", tree, tmp_path / "a.h5", size=64)
