"""`inpaint complete`: photos in, completed photos out, known pixels as they were."""

import numpy as np
import pytest
from conftest import inpaint, smooth_pictures
from PIL import Image

from inpaint_cli.engine.checkpoints import find_checkpoint, write_checkpoint


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(smooth_pictures(1, 90, seed=5)[0][:, :70]).save(path)
    return path


@pytest.fixture
def mask(tmp_path):
    hole = np.zeros((90, 70), np.uint8)
    hole[30:50, 20:45] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(hole).save(path)
    return path


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("extension", ["png", "bmp", "tif", "webp"])
@pytest.mark.parametrize("way", ["tv", "trained"])
def test_known_pixels_are_identical_in_lossless_formats(photo, mask, tmp_path, way, extension, trained):
    output = tmp_path / f"out.{extension}"
    choice = ["--method", "tv"] if way == "tv" else ["--checkpoint", trained]
    result = inpaint("complete", photo, "--mask", mask, "-o", output, *choice)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(output)
    known = pixels(mask) == 0
    np.testing.assert_array_equal(pixels(output)[known], pixels(photo)[known])
    assert pixels(output).shape == (90, 70, 3)


def test_tv_restores_a_smooth_picture(photo, mask, tmp_path):
    damaged = pixels(photo).copy()
    damaged[pixels(mask) > 0] = (255, 0, 255)
    Image.fromarray(damaged).save(tmp_path / "damaged.png")
    inpaint("complete", tmp_path / "damaged.png", "--mask", mask, "-o", tmp_path / "out.png", "--method", "tv")
    hole = pixels(mask) > 0
    error = np.abs(pixels(tmp_path / "out.png")[hole].astype(float) - pixels(photo)[hole]).mean()
    before = np.abs(damaged[hole].astype(float) - pixels(photo)[hole]).mean()
    assert error < 0.25 * before


def test_orientation_is_honoured(photo, mask, tmp_path):
    sideways = Image.open(photo).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "sideways.png", exif=exif)
    assert sideways.size == (90, 70)
    result = inpaint(
        "complete", tmp_path / "sideways.png", "--mask", mask, "-o", tmp_path / "out.png", "--method", "tv"
    )
    assert result.exit_code == 0, result.stderr
    out = Image.open(tmp_path / "out.png")
    assert out.size == (70, 90) and out.getexif().get(0x0112, 1) == 1
    known = pixels(mask) == 0
    np.testing.assert_array_equal(np.asarray(out)[known], pixels(photo)[known])


def test_samples_are_numbered_and_differ(photo, mask, tmp_path, trained):
    result = inpaint(
        "complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", trained, "--samples", 3
    )
    names = [str(tmp_path / f"out_{number}.png") for number in (1, 2, 3)]
    assert result.stdout.split() == names
    assert not np.array_equal(pixels(names[1]), pixels(names[2]))


def test_samples_that_are_all_the_same_are_said_to_be(photo, mask, tmp_path):
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "o.png", "--method", "tv", "--samples", 2)
    assert result.exit_code == 0 and "all samples are the same" in result.stderr


def test_the_seed_decides(photo, mask, tmp_path, trained):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        inpaint(
            "complete", photo, "--mask", mask, "-o", tmp_path / f"{name}.png", "--checkpoint", trained, "--samples", 2,
            "--seed", seed,
        )  # fmt: skip
    a, b, c = (pixels(tmp_path / f"{name}_2.png") for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_grey_photos_stay_grey(photo, mask, tmp_path, trained):
    Image.open(photo).convert("L").save(tmp_path / "grey.png")
    inpaint("complete", tmp_path / "grey.png", "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", trained)
    assert Image.open(tmp_path / "out.png").mode == "L"


@pytest.fixture
def wrong(tmp_path, photo):
    """Files that are not what they should be, by name."""
    Image.new("L", (70, 90), 0).save(tmp_path / "no_hole.png")
    Image.new("L", (70, 90), 255).save(tmp_path / "all_hole.png")
    Image.new("L", (50, 40), 255).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:200])
    (tmp_path / "there.png").write_text("mine")
    return tmp_path


@pytest.mark.parametrize(
    ("photo_name", "mask_name", "output_name", "code", "expected"),
    [
        ("photo.png", "small.png", "o.png", 3, ["50×40", "70×90"]),
        ("photo.png", "no_hole.png", "o.png", 3, ["no hole"]),
        ("photo.png", "all_hole.png", "o.png", 3, ["all hole"]),
        ("text.png", "mask.png", "o.png", 3, ["text.png"]),
        ("cut.png", "mask.png", "o.png", 3, ["cut.png"]),
        ("absent.png", "mask.png", "o.png", 3, ["absent.png"]),
        ("photo.png", "text.png", "o.png", 3, ["text.png"]),
        ("photo.png", "mask.png", "there.png", 2, ["there.png", "--overwrite"]),
        ("photo.png", "mask.png", "o.xyz", 2, [".xyz", ".png"]),
        ("photo.png", "mask.png", "absent/o.png", 4, ["absent"]),
    ],
)
def test_mistakes_are_one_message_and_nothing_is_lost(wrong, mask, photo_name, mask_name, output_name, code, expected):
    before = sorted(wrong.iterdir())
    result = inpaint(
        "complete", wrong / photo_name, "--mask", wrong / mask_name, "-o", wrong / output_name, "--method", "tv"
    )
    assert result.exit_code == code, result.stderr
    assert all(word in result.stderr for word in expected) and "Traceback" not in result.stderr
    assert sorted(wrong.iterdir()) == before and (wrong / "there.png").read_text() == "mine"


def test_overwrite_replaces(photo, mask, tmp_path):
    (tmp_path / "out.png").write_text("old")
    arguments = ["complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--method", "tv", "--overwrite"]
    assert inpaint(*arguments).exit_code == 0
    assert pixels(tmp_path / "out.png").shape == (90, 70, 3)


@pytest.mark.parametrize(
    ("choice", "code", "expected"),
    [
        (["--method", "mde"], 2, "--checkpoint"),
        (["--method", "tvv"], 2, "did you mean 'tv'"),
        (["--checkpoint", "absent"], 3, "absent"),
        (["--method", "tv", "--checkpoint", "{trained}"], 3, "a checkpoint of mde, not of tv"),
        (["--checkpoint", "{trained}", "--set", "width=8"], 2, "--set"),
    ],
)
def test_mistakes_in_choosing_a_method(photo, mask, tmp_path, trained, choice, code, expected):
    choice = [word.format(trained=trained) for word in choice]
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "out.png", *choice)
    assert result.exit_code == code and expected in result.stderr, result.stderr


def test_a_checkpoint_of_another_version_is_refused(photo, mask, tmp_path, trained):
    found = find_checkpoint(trained)
    other = tmp_path / "other.safetensors"
    write_checkpoint(other, found.tensors, found.header | {"settings": {"breadth": 4}})
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", other)
    assert result.exit_code == 3 and "other.safetensors" in result.stderr and "breadth" in result.stderr


def test_a_damaged_checkpoint_is_refused(photo, mask, tmp_path, trained):
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(next((trained / "checkpoints").iterdir()).read_bytes())
    content[-5] ^= 255
    damaged.write_bytes(content)
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", damaged)
    assert result.exit_code == 3 and "damaged" in result.stderr and not (tmp_path / "out.png").exists()
