"""`inpaint complete --mask`: every way of saying what is missing, and from where it may be copied."""

import numpy as np
from conftest import inpaint, pixels
from PIL import Image


def run_tv(*arguments):
    result = inpaint("complete", *arguments, "--method", "tv")
    assert result.exit_code == 0, result.stderr
    return result


def changed(one, other):
    return (pixels(one).astype(int) != pixels(other)).any(axis=2)


def test_inverting_growing_and_fading(photo, mask, tmp_path):
    out = tmp_path / "out.png"
    hole = pixels(mask) > 0
    Image.fromarray(np.where(hole, 0, 255).astype(np.uint8)).save(tmp_path / "inverted.png")
    run_tv(photo, "--mask", mask, "-o", tmp_path / "plain.png")
    result = run_tv(photo, "--mask", tmp_path / "inverted.png", "--invert-mask", "-o", out)
    assert not changed(out, tmp_path / "plain.png").any() and "invert" not in result.stderr
    warned = run_tv(photo, "--mask", tmp_path / "inverted.png", "-o", out, "--overwrite")
    assert "covers 92% of the photo" in warned.stderr and "--invert-mask" in warned.stderr
    for option in ("--dilate", "--feather"):
        run_tv(photo, "--mask", mask, option, 5, "-o", out, "--overwrite")
        touched = changed(out, photo)
        box = np.zeros_like(hole)
        box[25:55, 15:50] = True
        assert not touched[~box].any() and touched[box & ~hole].mean() > 0.3


def test_pixels_of_a_colour_are_the_hole(photo, mask, tmp_path):
    hole = pixels(mask) > 0
    marked = np.where(hole[:, :, None], np.array([255, 0, 255], np.uint8), pixels(photo))
    Image.fromarray(marked).save(tmp_path / "marked.png")
    run_tv(tmp_path / "marked.png", "--mask", "auto:magenta", "-o", tmp_path / "out.png")
    np.testing.assert_array_equal(changed(tmp_path / "out.png", tmp_path / "marked.png"), hole)


def test_transparent_pixels_are_filled_and_become_opaque(photo, mask, tmp_path):
    cut_out = Image.open(photo).convert("RGBA")
    cut_out.putalpha(Image.fromarray(255 - pixels(mask)))
    cut_out.save(tmp_path / "cut.png")
    run_tv(tmp_path / "cut.png", "--mask", "alpha", "-o", tmp_path / "out.png")
    assert Image.open(tmp_path / "out.png").mode == "RGB"
    known = pixels(mask) == 0
    np.testing.assert_array_equal(pixels(tmp_path / "out.png")[known], pixels(photo)[known])
    run_tv(tmp_path / "cut.png", "--mask", "center:20", "-o", tmp_path / "kept.png")
    np.testing.assert_array_equal(pixels(tmp_path / "kept.png")[:, :, 3], 255 - pixels(mask))


def test_drawn_masks_follow_the_seed_and_the_photos_name(photo, tmp_path):
    (tmp_path / "other.png").write_bytes(photo.read_bytes())
    holes = {}
    for seed in (1, 2):
        for name in ("photo", "other"):
            out = tmp_path / f"{name}{seed}.png"
            run_tv(tmp_path / f"{name}.png", "--mask", "block:20", "--seed", seed, "-o", out)
            holes[name, seed] = changed(out, photo)
    run_tv(tmp_path / "*o*.png", "--mask", "block:20", "--seed", 1, "-o", tmp_path / "many")
    for name in ("photo", "other"):
        np.testing.assert_array_equal(changed(tmp_path / "many" / f"{name}_inpaint.png", photo), holes[name, 1])
    assert len({hole.tobytes() for hole in holes.values()}) == 4


def test_masks_of_single_channels(photo, tmp_path):
    run_tv(photo, "--mask", "colorize:1", "-o", tmp_path / "out.png")
    touched = (pixels(tmp_path / "out.png") != pixels(photo)).mean(axis=(0, 1))
    assert sorted(touched > 0.5) == [False, False, True] and sorted(touched)[1] == 0


def test_sources_decide_what_is_copied(tmp_path):
    """A hole in a flat half: filled flat, or from the noisy half alone."""
    picture = np.full((96, 128, 3), 120, np.uint8)
    picture[:, 64:] = np.random.default_rng(0).integers(60, 180, (96, 64, 3))
    hole, noisy = np.zeros((96, 128), np.uint8), np.zeros((96, 128), np.uint8)
    hole[40:56, 20:36], noisy[:, 64:] = 255, 255
    for name, image in (("photo", picture), ("hole", hole), ("noisy", noisy)):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    choice = [tmp_path / "photo.png", "--mask", tmp_path / "hole.png"]
    for name, sources in (("free", []), ("noisy", ["--source-mask", tmp_path / "noisy.png"])):
        result = inpaint("complete", *choice, *sources, "-o", tmp_path / f"{name}_out.png")
        assert result.exit_code == 0, result.stderr
    centre = np.s_[44:52, 24:32]
    assert pixels(tmp_path / "free_out.png")[centre].std() < 1 < 5 < pixels(tmp_path / "noisy_out.png")[centre].std()
    refused = inpaint("complete", *choice, "--source-mask", tmp_path / "noisy.png", "--method", "tv")
    assert refused.exit_code == 2 and "tv copies nothing" in refused.stderr


def test_a_mask_that_is_named_like_a_photo_is_taken_as_it_is_meant(photo, mask, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(mask.read_bytes())
    for more in ([], ["-o", tmp_path / "out.png"]):
        refused = inpaint("complete", photo, other, *more)
        assert refused.exit_code == 2 and "as a mask is, and was named like a photo: inpaint complete" in refused.stderr
    own = photo.with_name(f"{photo.stem}_mask.png")
    own.write_bytes(mask.read_bytes())
    done = run_tv(photo, own, "-o", tmp_path / "out.png")
    assert "left out, since masks of photos that are named" in done.stderr
    np.testing.assert_array_equal(changed(tmp_path / "out.png", photo), pixels(mask) > 0)
