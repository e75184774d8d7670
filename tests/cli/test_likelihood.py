"""`inpaint report likelihood` and `probabilities`: what pixel-by-pixel models say of images."""

import json
import re

import pytest
import torch
from conftest import inpaint

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.feeding import to_signed
from inpaint_cli.jobs.loading import load_for_completion


@pytest.fixture(scope="module")
def run(prepared, tmp_path_factory):
    """A small pixelcnn after three steps."""
    path = tmp_path_factory.mktemp("runs") / "pixelcnn"
    done = inpaint("train", "--method", "pixelcnn", "--data", prepared, "--outdir", path, "--steps", 3, "--batch", 2,
                   "--set", "width=8", "--set", "layers=2", "-q")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    return path


def model(run, prepared):
    shape = PreparedFile(prepared).shape
    return load_for_completion(run, None, (), choose_hardware("cpu", "fp32"), shape).method


def test_bits_are_those_of_the_model_with_an_interval(run, prepared):
    found = json.loads(inpaint("report", "likelihood", run, "--data", prepared, "--limit", 4, "--json", "-q").stdout)
    images = to_signed(torch.from_numpy(PreparedFile(prepared).split("test").images[:4].copy()))
    with torch.no_grad():
        bits = model(run, prepared).bits(images)
    assert found["bits_per_dimension"] == pytest.approx(bits.mean().item(), rel=1e-5) and found["images"] == 4
    low, high = found["interval_95"]
    assert low < found["bits_per_dimension"] < high and 4 < found["bits_per_dimension"] < 9
    one = json.loads(
        inpaint("report", "likelihood", run, "--data", prepared, "--limit", 4, "--batch", 1, "--json", "-q").stdout
    )
    assert one["bits_per_dimension"] == pytest.approx(found["bits_per_dimension"], rel=1e-5)


def test_lookup_tables_stand_below_the_model(run, prepared):
    lines = inpaint("report", "likelihood", run, "--data", prepared, "--limit", 2, "-q").stdout.splitlines()
    assert len(lines) == 4 and all(
        line.startswith("a lookup table of the training images, given") for line in lines[1:]
    )
    assert all(0 < float(line.rpartition(" ")[2]) <= 9 for line in lines[1:])


def test_the_figure_shows_each_channels_distribution(run, prepared, tmp_path):
    figure = tmp_path / "figure.svg"
    arguments = ["report", "probabilities", run, "--data", prepared, "--pixel", "5,7", "--image", 1]
    assert inpaint(*arguments, "-o", figure).exit_code == 0
    images = PreparedFile(prepared).split("test").images[1:2].copy()
    with torch.no_grad():
        shares = model(run, prepared).probabilities(to_signed(torch.from_numpy(images)), 7, 5)[0]
    said = re.findall(r"most probable (\d+), p = \S+ true (\d+)", figure.read_text())
    expected = zip(shares.argmax(dim=1).tolist(), images[0, 7, 5].tolist(), strict=True)
    assert said == [(str(top), str(level)) for top, level in expected]
    again = inpaint(*arguments, "-o", figure)
    assert again.exit_code == 2 and "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("changed", "code", "expected"),
    [
        ({"--pixel": "5"}, 2, "X,Y"),
        ({"--pixel": "32,0"}, 2, "32×32"),
        ({"--image": "999"}, 3, "--image 999"),
        ({"--split": "tests"}, 3, "did you mean 'test'"),
    ],
)
def test_mistakes_are_one_message(run, prepared, tmp_path, changed, code, expected):
    given = {"--data": prepared, "--pixel": "5,7", "-o": tmp_path / "figure.svg", **changed}
    done = inpaint("report", "probabilities", run, *[word for pair in given.items() for word in pair])
    assert done.exit_code == code and expected in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "figure.svg").exists()


def test_other_methods_are_refused_with_those_that_can(trained, prepared):
    done = inpaint("report", "likelihood", trained, "--data", prepared, "-q")
    assert done.exit_code == 2 and "mde" in done.stderr and "pixelcnn" in done.stderr
