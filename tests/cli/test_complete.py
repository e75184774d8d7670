"""`inpaint complete`: photos in, completed photos out, known pixels as they were."""

import numpy as np
import pytest
from conftest import inpaint, pixels
from PIL import Image

from inpaint_cli.engine.checkpoints import find_checkpoint, write_checkpoint


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


def test_where_samples_differ_is_drawn_with_a_scale(photo, mask, tmp_path, trained):
    given = ["complete", photo, "--mask", mask, "-o", tmp_path / "o.png", "--checkpoint", trained]
    drawn = tmp_path / "map.png"
    result = inpaint(*given, "--samples", 3, "--uncertainty", drawn)
    assert result.exit_code == 0, result.stderr
    assert str(drawn) in result.stdout and pixels(drawn).shape[0] > pixels(photo).shape[0]
    alone = inpaint(*given, "--uncertainty", drawn, "--overwrite")
    assert alone.exit_code == 2 and "--samples 10" in alone.stderr


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
    write_checkpoint(other, found.tensors, found.header.plain() | {"settings": {"breadth": 4}})
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", other)
    assert result.exit_code == 3 and "other.safetensors" in result.stderr and "breadth" in result.stderr


def test_a_damaged_checkpoint_is_refused(photo, mask, tmp_path, trained):
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(next((trained / "checkpoints").iterdir()).read_bytes())
    content[-5] ^= 255
    damaged.write_bytes(content)
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "out.png", "--checkpoint", damaged)
    assert result.exit_code == 3 and "damaged" in result.stderr and not (tmp_path / "out.png").exists()


# ---- what is found when little is said ------------------------------------------------------------------------------


def test_a_photo_and_a_mask_are_enough(photo, mask):
    result = inpaint("complete", photo, "--mask", mask)
    assert result.exit_code == 0, result.stderr
    output = photo.with_name("photo_inpaint.png")
    assert result.stdout.strip() == str(output)
    known = pixels(mask) == 0
    np.testing.assert_array_equal(pixels(output)[known], pixels(photo)[known])
    assert (pixels(output) != pixels(photo)).any()


def test_a_mask_beside_the_photo_is_found(photo, mask):
    mask.rename(photo.with_name("photo_mask.png"))
    result = inpaint("complete", photo, "--method", "tv")
    assert result.exit_code == 0 and photo.with_name("photo_inpaint.png").exists(), result.stderr


def test_sixteen_bits_go_through_every_kind_of_method(photo, mask, tmp_path, trained):
    deep = np.random.default_rng(0).integers(0, 65536, (90, 70), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    known = pixels(mask) == 0
    for number, choice in enumerate([["--method", "tv"], [], ["--checkpoint", trained]]):
        output = tmp_path / f"{number}.tif"
        result = inpaint("complete", tmp_path / "deep.png", "--mask", mask, "-o", output, *choice)
        assert result.exit_code == 0, result.stderr
        assert pixels(output).dtype == np.uint16
        np.testing.assert_array_equal(pixels(output)[known], deep[known])
        assert len(np.unique(pixels(output)[~known] % 257)) > 10  # not 8 bits stretched


def test_a_jpeg_is_compressed_as_it_was_or_as_asked(photo, mask, tmp_path):
    Image.open(photo).save(tmp_path / "a.jpg", quality=61, subsampling=0)
    choice = ["--mask", mask, "--method", "tv"]
    assert inpaint("complete", tmp_path / "a.jpg", *choice).exit_code == 0
    before, after = Image.open(tmp_path / "a.jpg"), Image.open(tmp_path / "a_inpaint.jpg")
    assert before.quantization == after.quantization and after.layer == before.layer
    far = np.s_[:, 56:]  # blocks that the hole does not touch
    assert np.abs(np.asarray(before).astype(int) - np.asarray(after))[far].mean() < 0.5
    inpaint("complete", tmp_path / "a.jpg", *choice, "-o", tmp_path / "b.jpg", "--quality", 20)
    assert (tmp_path / "b.jpg").stat().st_size < (tmp_path / "a_inpaint.jpg").stat().st_size


def test_the_content_decides_how_a_file_is_read(photo, mask, tmp_path):
    Image.open(photo).save(tmp_path / "a.png", format="JPEG")
    result = inpaint("complete", tmp_path / "a.png", "--mask", mask, "--method", "tv")
    assert result.exit_code == 0 and "a.png is a JPEG file inside" in result.stderr
    assert Image.open(tmp_path / "a_inpaint.png").format == "PNG"


def test_the_first_picture_of_a_gif_becomes_a_png_and_that_is_said(photo, mask, tmp_path):
    frames = [Image.open(photo).convert("P"), Image.new("P", (70, 90))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    result = inpaint("complete", tmp_path / "a.gif", "--mask", mask, "--method", "tv")
    assert result.exit_code == 0 and pixels(tmp_path / "a_inpaint.png").shape == (90, 70, 3)
    assert "several pictures: the first" in result.stderr and "result is a PNG" in result.stderr


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ([], 2, "name a photo"),
        (["{photo}"], 3, "photo_mask.png"),
        (["{photo}", "--mask", "blok:20"], 3, "did you mean 'block'"),
        (["{photo}", "--mask", "block:many"], 2, "whole number"),
        (["{photo}", "--mask", "block:300"], 2, "300×300"),
        (["{photo}", "--mask", "alpha"], 3, "no transparency"),
        (["{photo}", "--mask", "auto:magenta"], 3, "tolerance"),
        (["{photo}", "--mask", "auto:mgenta"], 2, "auto:#ff00ff,12"),
        (["{photo}", "--mask", "{mask}", "--dilate", "200"], 3, "--dilate 200"),
        (["{photo}", "--mask", "{mask}", "--masks", "block:3"], 2, "--masks"),
        (["{photo}", "--mask", "{mask}", "--split", "test"], 2, "--split"),
        (["{photo}", "--mask", "{mask}", "--blend", "paste"], 2, "patch takes any size"),
        (["{photo}", "--mask", "{mask}", "--quality", "80"], 2, "JPEG and WebP"),
        (["{photo}", "--mask", "{mask}", "--checkpoint", "{trained}", "--blend", "past"], 2, "did you mean 'paste'"),
        (["{photo}", "--mask", "{mask}", "--checkpoint", "{trained}", "--context", "0.5"], 2, "--context"),
        (["--data", "{prepared}"], 2, "--masks"),
        (["--data", "{prepared}", "--masks", "block:9", "-o", "x.h5", "--samples", "2"], 2, "--samples"),
        (["{photo}", "--data", "{prepared}", "--masks", "block:9", "-o", "x.h5"], 2, "PHOTO"),
        (["--data", "{photo}", "--masks", "block:9", "-o", "x.h5"], 3, "not prepared data"),
    ],
)
def test_what_does_not_go_together(photo, mask, prepared, trained, arguments, code, expected):
    names = {"photo": photo, "mask": mask, "prepared": prepared, "trained": trained}
    result = inpaint("complete", *[word.format(**names) for word in arguments])
    assert result.exit_code == code and expected in result.stderr, result.stderr
    assert "Traceback" not in result.stderr and not photo.with_name("photo_inpaint.png").exists()


def test_a_checkpoint_that_does_not_complete_is_refused_by_name(photo, mask, trained, monkeypatch):
    from inpaint_cli.method import Method
    from inpaint_cli.methods.mde import METHOD

    monkeypatch.setattr(METHOD, "complete", Method.complete)
    result = inpaint("complete", photo, "--mask", mask, "--checkpoint", trained)
    assert result.exit_code == 3 and "mde does not complete images" in result.stderr


def test_trained_methods_can_be_framed_and_blended(photo, mask, tmp_path, trained):
    results = {}
    for name, options in {
        "poisson": [], "paste": ["--blend", "paste"], "feather": ["--blend", "feather"], "far": ["--context", 4],
    }.items():  # fmt: skip
        out = tmp_path / f"{name}.png"
        result = inpaint("complete", photo, "--mask", mask, "--checkpoint", trained, "-o", out, *options)
        assert result.exit_code == 0, result.stderr
        results[name] = pixels(out).tobytes()
    assert len(set(results.values())) == 4
