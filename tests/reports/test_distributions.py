"""The figure of a pixel's distributions: well-formed, and every bar where its level is."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from inpaint_cli.reports.distributions import PANEL, Pixel, distributions

SVG = "{http://www.w3.org/2000/svg}"


def drawn(channels, **changes):
    shares = np.full((channels, 256), 0.5 / 255)
    shares[:, 200] = 0.5
    image = np.random.default_rng(0).integers(0, 256, (6, 9, channels), dtype=np.uint8)
    pixel = Pixel(**{"title": "A <title> & more", "image": image, "row": 4, "column": 7, "shares": shares, **changes})
    return pixel, ElementTree.fromstring(distributions(pixel))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_panel_for_each_channel(channels):
    pixel, figure = drawn(channels)
    labels = [text.text for text in figure.iter(f"{SVG}text")]
    assert [label for label in labels if label in ("grey", "R", "G", "B")] == (["grey"] if channels == 1 else [*"RGB"])
    assert labels[0] == figure.find(f"{SVG}title").text == "A <title> & more"
    for channel, level in enumerate(pixel.image[4, 7]):
        share = pixel.shares[channel, level]
        assert any(f"most probable 200, p = 0.5; true {level}, p = {share:.2g}" == label for label in labels)


def test_bars_are_as_high_as_probable():
    _, figure = drawn(3)
    outlines = [path.get("d") for path in figure.iter(f"{SVG}path") if path.get("fill")]
    assert len(outlines) == 3
    heights = [float(height) for height in re.findall(r"V([\d.]+)H", outlines[0])]
    assert len(heights) == 256 and heights.index(min(heights)) == 200 and heights[200] == 0
    assert heights[10] == pytest.approx(PANEL[1] * (1 - 1 / 255), abs=0.01)
    assert max(map(float, re.findall(r"H([\d.]+)", outlines[0]))) == PANEL[0]


def test_the_pixel_is_marked_in_its_image():
    _, figure = drawn(3)
    mark = next(rect for rect in figure.iter(f"{SVG}rect") if rect.get("fill") == "none")
    assert (mark.get("x"), mark.get("y")) == ("7", "4")
    assert next(figure.iter(f"{SVG}image")).get("href").startswith("data:image/")
