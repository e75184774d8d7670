"""A mask image."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def mask_file(tmp_path):
    """White in rows 2 to 4 of columns 10 to 13, and nearly white in one pixel; 30×20 pixels."""
    levels = np.zeros((20, 30), dtype=np.uint8)
    levels[2:5, 10:14] = 128
    levels[8, 8] = 127
    path = tmp_path / "a,b.png"
    Image.fromarray(levels).save(path)
    return path
