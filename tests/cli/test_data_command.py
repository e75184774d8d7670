"""`inpaint data`: a card, a sheet, a check and an export of what a prepared file holds."""

import csv
import json

import numpy as np
import pytest
from conftest import inpaint
from PIL import Image

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.reports.palette import PALETTE

PARTS = ["background", "skin", "hair"]
HEADER = {
    "recipe_name": "faces",
    "recipe": 'name = "faces"\ntitle = "Faces"\npaper = "mde"\nsentence = "We crop [bold] faces."',
    "terms": "free\x1b[2J for research\nidentity: 0000",
    "options": {"limit": 7, "size": 16},
    "label_names": {
        "labels": ["Ann", "Bo\x1b[31mb"],
        "attributes": [f"trait{number}" for number in range(40)],
        "parsing": PARTS,
    },
}
NAMES = ["../../evil.png", "line\nbreak, comma.png", "-rf é\udce9.png", "=cmd()", "plain.png"]


def known(row):
    parsing = np.zeros((16, 16), np.uint8)
    parsing[:, 8:] = 1
    parsing[8:] = 2
    attributes = np.zeros(40, np.int8)
    attributes[[0, row % 3 + 1]] = 1
    points = np.full((5, 2), 3 + row, np.float32)
    return {
        "images": np.full((16, 16, 3), 40 * row, np.uint8),
        "landmarks": points,
        "attributes": attributes,
        "labels": row % 2,
        "parsing": parsing,
    }


@pytest.fixture
def faces(tmp_path):
    path = tmp_path / "faces.h5"
    with spooling(path) as spools:
        for row, name in enumerate(NAMES):
            spools["train"].append(name, known(row))
        spools["test"].append("one.png", known(1))
        write(path, spools, HEADER)
    return path


def test_the_card_says_what_the_file_holds(faces):
    done = inpaint("data", faces)
    assert done.exit_code == 0 and done.stderr == "" and "\x1b" not in done.stdout
    for part in (
        "faces (Faces)",
        "We crop [bold] faces.",
        "16×16, RGB",
        "limit 7",
        "free\\x1b[2J for research",
        "Ann 3, Bo\\x1b[31mb 2",
        "trait0 100.0%",
        "trait1 40.0%",
        "parsing: 3 named: background, skin, hair",
        PreparedFile(faces).identity,
        f"{faces.stat().st_size:,} bytes",
    ):
        assert part in done.stdout, part
    assert "checked" not in done.stdout
    assert not any(line.startswith("identity: 0000") for line in done.stdout.splitlines())


def test_the_card_as_json(faces):
    facts = json.loads(inpaint("data", faces, "--json", "--check").stdout)
    assert facts["splits"]["train"]["images"] == 5 and facts["splits"]["test"]["classes"] == {"Bo\\x1b[31mb": 1}
    assert facts["splits"]["train"]["attributes"]["trait1"] == 0.4
    assert facts["columns"]["landmarks"] == list(LANDMARKS) and facts["checked"] is True


def test_check_finds_one_changed_byte(faces):
    assert "every digest agrees" in inpaint("data", faces, "--check").stdout
    data = bytearray(faces.read_bytes())
    place = data.index(bytes([120]) * 100)
    data[place] ^= 1
    faces.write_bytes(data)
    assert inpaint("data", faces).exit_code == 0
    done = inpaint("data", faces, "--check")
    assert done.exit_code == InputError.exit_code and "split train, rows 0-4 differ" in done.stderr


def test_the_sheet_draws_points_maps_and_a_legend(faces, tmp_path):
    def draw(name, *arguments):
        assert inpaint("data", faces, "--sheet", tmp_path / name, "-q", *arguments).exit_code == 0
        return np.asarray(Image.open(tmp_path / name))

    drawn = draw("a.png")
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert {tuple(colour) for colour in PALETTE[:3].tolist()} <= colours
    assert (255, 45, 212) in colours  # the ring of the last point: all lie at one place
    assert np.array_equal(drawn, draw("b.png")) and not np.array_equal(draw("c.png", "--count", 2), drawn)
    assert not np.array_equal(draw("d.png", "--count", 2), draw("e.png", "--count", 2, "--seed", 1))
    assert draw("f.png", "--split", "test").shape != drawn.shape
    refused = inpaint("data", faces, "--sheet", tmp_path / "a.png")
    assert refused.exit_code == UsageError.exit_code and "--overwrite" in refused.stderr


def test_landmarks_lie_on_the_sheet_where_they_lie_in_the_image():
    from inpaint_cli.reports.sheet import Example, sheet

    image = np.zeros((16, 16, 3), np.uint8)
    image[5, 11] = 255
    drawn = np.asarray(sheet([Example(image, landmarks=np.array([[11.0, 5.0]]))], "title")).astype(int)
    white = (drawn.min(axis=2) == 255).astype(float)
    red = np.argwhere((drawn == (255, 59, 48)).all(axis=2))
    top, left = red.min(axis=0)
    bottom, right = red.max(axis=0)
    inside = np.argwhere(white[top:bottom, left:right])
    assert np.abs(inside.mean(axis=0) - (np.array([bottom - top, right - left]) / 2)).max() < 1.5


def test_an_export_holds_every_pixel_map_and_label(faces, tmp_path):
    done = inpaint("data", faces, "--export", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.h5", "out"]
    with (tmp_path / "out" / "train.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as table:
        rows = list(csv.DictReader(table))
    assert [row["name"] for row in rows] == NAMES
    assert [row["file"] for row in rows] == [f"train/{row:06d}.png" for row in range(5)]
    split = PreparedFile(faces).split("train")
    for index, row in enumerate(rows):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / row["file"])), split.images[index])
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / row["parsing"])), split.labels["parsing"][index])
        assert float(row["nose y"]) == 3 + index and row["label"] == str(index % 2)
        assert int(row["trait0"]) == 1 and int(row[f"trait{index % 3 + 1}"]) == 1 and int(row["trait20"]) == 0
    part = Image.open(tmp_path / "out" / rows[0]["parsing"])
    assert part.mode == "P" and part.convert("RGB").getpixel((15, 15)) == tuple(PALETTE[2].tolist())
    assert len(list((tmp_path / "out" / "test").iterdir())) == 1


def test_an_export_replaces_an_earlier_export_and_nothing_else(faces, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    assert inpaint("data", faces, "--export", mine, "-q").exit_code == 0  # an empty folder is as good as none
    assert inpaint("data", faces, "--export", mine).exit_code == UsageError.exit_code
    assert inpaint("data", faces, "--export", mine, "--split", "test", "--overwrite").exit_code == 0
    assert sorted(path.name for path in mine.iterdir()) == [".written", "card.json", "test", "test.csv", "test_parsing"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("precious")
    refused = inpaint("data", faces, "--export", other, "--overwrite")
    assert refused.exit_code == UsageError.exit_code and (other / "thesis.tex").read_text() == "precious"


def test_a_file_among_those_of_an_export_is_named_and_stays(faces, tmp_path):
    out = tmp_path / "out"
    assert inpaint("data", faces, "--export", out, "-q").exit_code == 0
    for name in ("notes.txt", "train/000099.png", "test/a\nb", ".hidden"):
        (out / name).write_text("mine")
        refused = inpaint("data", faces, "--export", out, "--overwrite")
        assert refused.exit_code == UsageError.exit_code and "no export wrote" in refused.stderr
        assert (out / name).read_text() == "mine"
        (out / name).unlink()
    (out / "folder").symlink_to(tmp_path)
    assert "no export wrote (folder)" in inpaint("data", faces, "--export", out, "--overwrite").stderr
    (out / "folder").unlink()
    (tmp_path / "link").symlink_to(out)
    assert "is a link to" in inpaint("data", faces, "--export", tmp_path / "link", "--overwrite").stderr
    (out / ".written").unlink()  # as exports were written before there were such lists
    assert inpaint("data", faces, "--export", out, "--overwrite", "-q").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.h5", "link", "out"], "nothing is left beside it"


def test_grey_files_without_labels(tmp_path):
    path = tmp_path / "grey.h5"
    with spooling(path) as spools:
        spools["train"].append("a", {"images": np.full((20, 20, 1), 7, np.uint8)})
        write(path, spools, {**HEADER, "label_names": {}})
    done = inpaint("data", path, "--sheet", tmp_path / "s.png", "--export", tmp_path / "out")
    assert done.exit_code == 0 and "20×20, grey" in done.stdout
    assert np.asarray(Image.open(tmp_path / "out" / "train" / "000000.png")).tolist() == [[7] * 20] * 20


def test_hostile_attributes_of_a_file_do_no_harm(tmp_path):
    path = tmp_path / "odd.h5"
    odd = {"labels": {"not": "a list"}, "attributes": ["short"], "landmarks": [None, 3]}
    with spooling(path) as spools:
        spools["train"].append(
            "a", {**known(0), "labels": -(1 << 62), "landmarks": np.full((5, 2), np.nan, np.float32)}
        )
        write(path, spools, {**HEADER, "label_names": odd, "recipe": "title = 3\npaper = [1]"})
    done = inpaint("data", path, "--sheet", tmp_path / "s.png", "--export", tmp_path / "out")
    assert done.exit_code == 0, (done.stderr, done.exception)
    assert str(-(1 << 62)) in done.stdout
    with (tmp_path / "out" / "train.csv").open() as table:
        heads, cells = csv.reader(table)
    assert len(heads) == len(cells) and "nose x" in heads


@pytest.mark.parametrize("damage", [{"recipe": "title ="}, {"options": [1]}, {"label_names": "none"}])
def test_attributes_that_are_not_of_the_schema_are_named(tmp_path, damage):
    path = tmp_path / "odd.h5"
    with spooling(path) as spools, pytest.raises(InputError, match=f"attribute {next(iter(damage))}"):
        spools["train"].append("a", known(0))
        write(path, spools, {**HEADER, **damage})  # reads what it wrote before it gives it its name
    assert not path.exists()


def test_what_is_no_prepared_file_and_no_split_is_refused(faces, tmp_path):
    (tmp_path / "a.h5").write_text("no")
    assert inpaint("data", tmp_path / "a.h5").exit_code == InputError.exit_code
    refused = inpaint("data", faces, "--split", "tset")
    assert refused.exit_code == InputError.exit_code and "did you mean 'test'" in refused.stderr
