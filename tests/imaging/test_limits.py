"""How large a photo may be: what memory holds, or what the user says; what is huge in a few bytes is not read."""

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging import decoding, limits
from inpaint_cli.imaging.mask_files import open_mask
from inpaint_cli.imaging.photos import Photo, read_photo


def test_the_limit_follows_the_memory_and_is_never_below_what_any_machine_decodes(monkeypatch):
    for memory, wanted in ((0, 64_000_000), (32_000_000_000, 800_000_000)):
        monkeypatch.setattr(limits, "available_memory", lambda memory=memory: memory)
        assert limits.most_pixels() == wanted
    assert limits.most_pixels(12.5) == 12_500_000
    for none in (0, -3):
        with pytest.raises(UsageError, match=f"--max-megapixels {none}: must be more than 0"):
            limits.most_pixels(none)


def test_memory_is_that_of_machine_container_and_process(monkeypatch):
    assert limits.available_memory() > 50_000_000
    monkeypatch.setattr(limits, "_of_container", lambda: 7)
    assert limits.available_memory() == 7
    monkeypatch.setattr(limits, "_of_process", lambda: 5)
    assert limits.available_memory() == 5


def test_a_photo_above_the_limit_is_refused_with_the_option_that_helps(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: 30×30 pixels are more than the 899 .* --max-megapixels"):
        read_photo(tmp_path / "a.png", most=899)
    assert read_photo(tmp_path / "a.png", most=900).size == (30, 30)


def test_more_than_any_machine_decodes_is_read_where_memory_holds_it(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 900)
    Image.fromarray(noise).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="40×40"):
        read_photo(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png", most=1600).size == (40, 40)


def test_many_pixels_in_few_bytes_are_a_bomb_whatever_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 900)
    monkeypatch.setattr(decoding, "PIXELS_A_BYTE", 5)
    Image.new("1", (400, 400)).save(tmp_path / "bomb.png")
    with pytest.raises(InputError, match=r"bomb\.png: 400×400 pixels in so few bytes are no photo"):
        read_photo(tmp_path / "bomb.png", most=10**9)


def test_a_mask_may_be_as_large_as_its_photo(tmp_path, monkeypatch):
    from inpaint_cli.imaging import mask_files

    monkeypatch.setattr(decoding, "MAX_PIXELS", 900)
    monkeypatch.setattr(mask_files, "MAX_PIXELS", 900)
    hole = np.zeros((40, 40), np.uint8)
    hole[5:9, 5:9] = 255
    Image.fromarray(hole).save(tmp_path / "mask.png")
    assert open_mask(tmp_path / "mask.png", Photo(np.zeros((40, 40, 3), np.uint8))).hole.sum() == 16
    with pytest.raises(InputError, match="40×40"):
        open_mask(tmp_path / "mask.png", Photo(np.zeros((10, 10, 3), np.uint8)))
