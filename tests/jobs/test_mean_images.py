"""The mean image in the place of every test image."""

import numpy as np
from conftest import pixels

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.jobs.sets.mean_image import mean_image, write_mean_images


def test_each_test_image_has_the_mean_of_those_trained_on(prepared, tmp_path):
    file = PreparedFile(prepared)
    write_mean_images(prepared, tmp_path / "mean")
    expected = file.split("train").images[:].mean(axis=0)
    files = sorted(path for path in (tmp_path / "mean").rglob("*.png"))
    assert len(files) == len(file.split("test"))
    assert all(np.abs(pixels(path) - expected).max() <= 0.5 for path in files)
    assert np.array_equal(mean_image(file.split("train")), pixels(files[0]))
