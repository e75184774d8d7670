"""What is looked at before torch is imported: small photos alone, and large ones without a word of Pillow's."""

import warnings

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.jobs.photos import first_look
from inpaint_cli.jobs.photos.holes import MaskOptions


@pytest.mark.parametrize("limit", [2000, 1000], ids=["more than Pillow likes", "more than it opens"])
def test_a_large_photo_is_left_for_later_without_a_warning(tmp_path, monkeypatch, limit):
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr(first_look, "read_photo", lambda *_: pytest.fail("it was read"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first_look.refuse_photo([tmp_path / "large.png"], "alpha", None, MaskOptions())
