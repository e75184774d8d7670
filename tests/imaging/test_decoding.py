"""Every kind of image file comes out upright, in 8 bits, over white, or as one clear error."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.errors import InputError
from inpaint_cli.imaging import decoding
from inpaint_cli.imaging.decoding import decode, printable

BAD_INPUTS = Path(__file__).parents[3] / "shared" / "badinputs"
NOT_DECODED = {"modes/hopper.fits"}  # astronomy's tables are no photographs: not on the list of formats


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path, orientation):
    upright = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    # How a camera in that position stores the scene; the inverse of the turn which shows it.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(decode(tmp_path / "turned.png"), upright)


def test_16_bits_are_scaled_and_not_clipped(tmp_path):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    Image.fromarray(values).save(tmp_path / "deep.tif")
    for name in ("deep.png", "deep.tif"):
        assert decode(tmp_path / name, "gray")[:, :, 0].tolist() == [[0, 1, 128, 255]]


def test_alpha_and_transparent_palette_lie_over_white(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "rgba.png")
    Image.new("LA", (2, 2), (0, 128)).save(tmp_path / "la.png")
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([9, 9, 9, 0, 200, 0])
    palette.save(tmp_path / "clear.png", transparency=1)
    palette.save(tmp_path / "opaque.png")
    assert decode(tmp_path / "rgba.png").tolist() == [[[255, 255, 255]] * 2] * 2
    assert abs(int(decode(tmp_path / "la.png", "gray")[0, 0, 0]) - 127) <= 1
    assert decode(tmp_path / "clear.png")[0, 0].tolist() == [255, 255, 255]
    assert decode(tmp_path / "opaque.png")[0, 0].tolist() == [0, 200, 0]


def test_cmyk_one_bit_and_grey(tmp_path):
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "red.tif")
    Image.new("1", (2, 2), 1).save(tmp_path / "white.png")
    Image.new("L", (3, 2), 77).save(tmp_path / "grey.png")
    assert decode(tmp_path / "red.tif")[0, 0].tolist() == [255, 0, 0]
    assert decode(tmp_path / "white.png", "gray").tolist() == [[[255]] * 2] * 2
    assert decode(tmp_path / "grey.png").shape == (2, 3, 3)
    assert decode(tmp_path / "grey.png", "gray").shape == (2, 3, 1)


def test_an_open_file_decodes_like_a_path():
    held = io.BytesIO()
    Image.new("RGB", (2, 2), (1, 2, 3)).save(held, "PNG")
    assert decode(io.BytesIO(held.getvalue()))[0, 0].tolist() == [1, 2, 3]


def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch):
    Image.new("L", (30, 30)).save(tmp_path / "large.png")
    monkeypatch.setattr(decoding, "MAX_PIXELS", 899)
    with pytest.raises(InputError, match=r"large\.png.*30×30"):
        decode(tmp_path / "large.png")


def test_what_is_no_image_file_is_named_with_its_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    Image.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:500])
    os.mkfifo(tmp_path / "pipe.png")
    reasons = {
        "notes.txt": "not an image",
        "cut.png": "cannot be decoded",
        "pipe.png": "regular file",
        "none.png": "no such",
    }
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=f"{name}.*{reason}"):
            decode(tmp_path / name)
    with pytest.raises(InputError, match="folder"):
        decode(tmp_path)


def test_names_with_line_breaks_and_stray_bytes_stay_on_one_line():
    assert printable(os.fsdecode(b"a\nb\xff [bold].png")) == "a\\nb\\udcff [bold].png"


EVERY_BAD_INPUT = """
import re, sys, time
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import decode
from inpaint_cli.imaging.mask_files import open_mask
from inpaint_cli.imaging.photos import read_photo
read = {
    "picture": decode,
    "photo": lambda path: read_photo(path).pixels,
    "mask": lambda path: open_mask(path).hole,
}[sys.argv[2]]
for name in sys.stdin.read().splitlines():
    start = time.monotonic()
    try:
        outcome = "x".join(map(str, read(sys.argv[1] + "/" + name).shape))
    except InputError as error:
        assert name in str(error)
        outcome = "refused"
    print(outcome, time.monotonic() - start, name, sep="\\t", flush=True)
status = open("/proc/self/status").read()  # getrusage would count the process that started this one
print("peak", int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024, "", sep="\\t")
"""


@pytest.mark.skipif(not BAD_INPUTS.is_dir(), reason="the collection of bad inputs is not here")
@pytest.mark.parametrize("kind", ["picture", "photo", "mask"])
def test_every_bad_input_decodes_or_is_refused_in_time_and_memory(kind):
    with (BAD_INPUTS / "INDEX.tsv").open(newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE))
    expected = {row["file"]: row["expected"] for row in rows if not row["kind"].startswith("hdf5")}
    expected = {name: outcome for name, outcome in expected.items() if outcome != "doc"}
    command = [sys.executable, "-c", EVERY_BAD_INPUT, str(BAD_INPUTS), kind]
    done = subprocess.run(command, input="\n".join(expected), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    *lines, peak = [line.split("\t") for line in done.stdout.splitlines()]
    outcomes = {name: outcome for outcome, _, name in lines}
    assert outcomes.keys() == expected.keys() and len(outcomes) > 400
    assert max(float(seconds) for _, seconds, _ in lines) < 10
    assert float(peak[1]) < 1000  # MiB
    refused = {name for name, outcome in outcomes.items() if outcome == "refused"}
    if kind != "mask":  # most pictures have no hole, or are all hole, as a mask
        assert {name for name in refused if expected[name] == "ok"} == NOT_DECODED
    assert {name for name in expected if expected[name] == "clear_error"} <= refused
