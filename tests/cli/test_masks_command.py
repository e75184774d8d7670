"""`inpaint masks` draws what a specification hides."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inpaint_cli.cli.main import app
from inpaint_cli.jobs.mask_sheets import hide


def run(*arguments):
    return CliRunner().invoke(app, ["masks", *map(str, arguments)])


def test_a_sheet_shows_every_sample_and_says_what_it_means(tmp_path):
    sheet = tmp_path / "sheet.png"
    result = run("block:32", "-o", sheet, "--size", 64, "--count", 8)
    assert result.exit_code == 0, result.output
    assert "block:32: 75.0% of all values known" in result.stdout
    assert str(sheet) in result.stdout
    with Image.open(sheet) as image:
        assert image.width >= 6 * 64 and image.height >= 2 * 64  # two rows, of six and of two


def test_mixtures_are_drawn_part_by_part(tmp_path):
    """Green photo, squares of two sizes: each cell shows one of them."""
    photo, sheet = tmp_path / "green.png", tmp_path / "sheet.png"
    Image.new("RGB", (60, 60), (10, 200, 30)).save(photo)
    result = run("center:8-12|3*strokes:0.2", "-o", sheet, "--photo", photo, "--size", 32, "--count", 12)
    assert result.exit_code == 0 and "center:8-12|3*strokes:0.2: 8" in result.stdout
    green = (np.asarray(Image.open(sheet)) == (10, 200, 30)).all(axis=2).sum()
    assert 12 * 32 * 32 * 0.8 <= green < 12 * (32 * 32 - 64)


def test_the_seed_decides_the_sheet(tmp_path):
    names = [tmp_path / f"{i}.png" for i in range(3)]
    for name, seed in zip(names, (1, 1, 2), strict=True):
        assert run("rec:0.25", "-o", name, "--size", 32, "--count", 2, "--seed", seed).exit_code == 0
    first, again, other = (name.read_bytes() for name in names)
    assert first == again != other


def test_a_photo_of_the_users_own_is_drawn_over(tmp_path):
    photo, sheet = tmp_path / "green.png", tmp_path / "sheet.png"
    Image.new("RGB", (90, 60), (10, 200, 30)).save(photo)
    assert run("center:16", "-o", sheet, "--photo", photo, "--size", 32).exit_code == 0
    pixels = np.asarray(Image.open(sheet)).reshape(-1, 3)
    assert (pixels == (10, 200, 30)).all(axis=1).sum() == 32 * 32 - 16 * 16


def test_a_mask_file_brings_its_own_size(tmp_path):
    mask, sheet = tmp_path / "mask.png", tmp_path / "sheet.png"
    levels = np.zeros((40, 72), dtype=np.uint8)
    levels[:10, :10] = 255
    Image.fromarray(levels).save(mask)
    result = run(f"file:{mask}", "-o", sheet)
    assert result.exit_code == 0, result.output
    assert "96.5% of all values known" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rek:0.1", "-o", "a.png"], 2, "did you mean 'rec'"),
        (["center:200", "-o", "a.png"], 2, "leaves nothing known"),
        (["rec:0.1", "-o", "a.xyz"], 2, "cannot write '.xyz' files"),
        (["file:nowhere.png", "-o", "a.png"], 3, "nowhere.png"),
        (["rec:0.1", "-o", "a.png", "--photo", "nowhere.jpg"], 3, "nowhere.jpg"),
        (["rec:0.1", "-o", "nowhere/a.png"], 4, "nowhere"),
    ],
)
def test_mistakes_get_one_message_and_leave_nothing(tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.output and "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_existing_sheet_stays_without_overwrite(tmp_path):
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"mine")
    assert run("rec:0.1", "-o", sheet, "--size", 32).exit_code == 2
    assert sheet.read_bytes() == b"mine"
    assert run("rec:0.1", "-o", sheet, "--size", 32, "--overwrite").exit_code == 0
    assert sheet.read_bytes() != b"mine"


def test_missing_channels_are_black_and_wholly_missing_pixels_striped():
    image = Image.new("RGB", (8, 8), (100, 110, 120))
    known = np.zeros((8, 8, 3), dtype=bool)
    known[:4, :, 0] = True
    drawn = hide(image, known)
    assert (drawn[:4] == (100, 0, 0)).all()
    assert len(np.unique(drawn[4:])) == 2 and (drawn[4:] > 100).all()


def test_without_a_specification_the_grammar_is_printed(tmp_path):
    result = run()
    assert result.exit_code == 0 and result.stdout.startswith("Masks are written\n  center:SIZE")
    lost = run("rec:0.1")
    assert lost.exit_code == 2 and "-o sheet.png" in lost.output
