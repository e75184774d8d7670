"""The photos of the demo with their holes, its page, and README's pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.reports import demo

MIDDLE = 128  # the grey that stands for a completed hole


@pytest.fixture
def folder(tmp_path):
    """What the demo's commands leave: here each hole is filled with grey."""
    demo.write_photos(tmp_path)
    for name in demo.EXAMPLES:
        photo, mask = (Image.open(tmp_path / f"{name}{end}.png") for end in ("", "_mask"))
        photo = photo.convert("RGB")
        photo.paste((MIDDLE,) * 3, mask=mask)
        photo.save(tmp_path / f"{name}_inpaint.png")
    Image.new("RGB", (40, 30)).save(tmp_path / "examples.png")
    metrics = {"mde step 20": 18.0, "mde step 600": 31.5, "tv": 14.9}
    columns = {name: {"unit": "", "better": "higher", "decimals": 2} for name in demo.FIGURES}
    results = [
        {"system": system, "metrics": dict.fromkeys(demo.FIGURES, value), "intervals": {}, "columns": columns}
        for system, value in metrics.items()
    ]
    (tmp_path / "results.json").write_text(json.dumps({"results": results}))
    return tmp_path


@pytest.mark.parametrize("name", demo.EXAMPLES)
def test_each_photo_has_a_hole_and_damage_lies_in_it_alone(name):
    photo, mask = demo.EXAMPLES[name].pictures()
    hole = np.asarray(mask) == 255
    assert mask.size == photo.size and set(np.unique(mask)) == {0, 255} and 0.01 < hole.mean() < 0.12
    again, _ = demo.EXAMPLES[name].pictures()
    assert again.tobytes() == photo.tobytes()
    if damage := demo.EXAMPLES[name].damage:
        assert (np.asarray(photo)[hole] == damage).all()
        assert (np.asarray(photo)[~hole] != damage).any(axis=-1).mean() > 0.99


def test_the_page_shows_what_was_completed_and_the_best_system_first(folder, capsys):
    (folder / "face_inpaint.png").unlink()  # where the model of faces does not come with the package
    demo.write_demo_page(folder)
    page = (folder / "index.html").read_text()
    assert page.count("<li><img") == 6 and "inpaint complete scratched.png" in page and "--checkpoint" not in page
    assert page.index("mde step 600") < page.index("mde step 20") < page.index("tv, continues")
    demo.print_table(folder)
    first = capsys.readouterr().out.splitlines()[2]
    assert first.startswith("| mde step 600, a network that learns") and "31.50" in first


def test_the_gallery_has_photo_hole_and_result_side_by_side(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "GALLERY", tmp_path / "gallery")
    demo.write_gallery(folder)
    assert Image.open(tmp_path / "gallery" / "training.jpg").size == (40, 30)
    picture = np.asarray(Image.open(tmp_path / "gallery" / "face.jpg")).astype(int)
    side = demo.GALLERY_HEIGHT
    assert picture.shape == (side, 3 * side + 2 * demo.GAP, 3)
    middle = (side // 2, np.arange(3) * (side + demo.GAP) + side // 2)  # of the nose, which is the hole
    assert np.abs(picture[middle][1] - demo.PAINT).max() < 8 and np.abs(picture[middle][2] - MIDDLE).max() < 8
