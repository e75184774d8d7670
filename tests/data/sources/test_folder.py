"""Trees of images."""

import pytest
from data_sets import prepare

from inpaint_cli.errors import InputError


def test_a_tree_of_images_is_split_by_its_names(tree, tmp_path):
    made = prepare("folder", tree, tmp_path / "a.h5", size=16)
    assert sum(made.rows.values()) == 30 and made.skipped.count == 0 and made.file.shape == (3, 16, 16)
    (tree / "deep [bold]" / "more.png").write_bytes((tree / "deep [bold]" / "-0 é\n.png").read_bytes())
    later = prepare("folder", tree, tmp_path / "b.h5", size=16, allow_leaks=True)
    for split in made.rows:
        assert set(made.file.split(split).names) <= set(later.file.split(split).names)


def test_unreadable_files_are_skipped_counted_and_listed_and_strict_refuses(tree, tmp_path):
    for number in range(12):
        (tree / f"note{number:02d}.txt").write_text("not an image")
    made = prepare("folder", tree, tmp_path / "a.h5", size=16)
    assert sum(made.rows.values()) == 30 and made.skipped.count == 12 and len(made.skipped.reasons) == 10
    assert "note00.txt" in made.skipped.reasons[0] and "not an image" in made.skipped.reasons[0]
    with pytest.raises(InputError, match=r"note00\.txt.*--strict"):
        prepare("folder", tree, tmp_path / "b.h5", size=16, strict=True)
    assert not (tmp_path / "b.h5").exists()


def test_a_folder_without_one_usable_image_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no files"):
        prepare("folder", tmp_path / "empty", tmp_path / "a.h5")
    (tmp_path / "empty" / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"not one usable image(.|\n)*a\.txt"):
        prepare("folder", tmp_path / "empty", tmp_path / "a.h5")


def test_the_limit_holds_for_each_split(tree, tmp_path):
    limited = prepare("folder", tree, tmp_path / "a.h5", size=16, limit=1)
    assert set(limited.rows.values()) == {1}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data/train-00000.parquet", "inpaint prepare parquet"),
        ("train-000000.tar", "inpaint prepare webdataset"),
        ("archive.zip", "name the archive itself by --source"),
        ("a.tfrecord", "TFRecord files are not read: download the set as"),
    ],
)
def test_files_of_another_form_name_what_reads_them_or_what_to_download(tmp_path, name, words):
    (tmp_path / "set" / name).parent.mkdir(parents=True)
    (tmp_path / "set" / name).write_bytes(b"anything")
    with pytest.raises(InputError, match=words):
        prepare("folder", tmp_path / "set", tmp_path / "a.h5")
