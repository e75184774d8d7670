"""Schema 1 goes out and comes back; anything that is not a finished file of it is refused without a crash."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError

BAD_INPUTS = Path(__file__).parents[3] / "shared" / "badinputs" / "hdf5"
HEADER = {
    "recipe_name": "mine",
    "recipe": 'name = "mine"',
    "terms": "free",
    "options": {"limit": None},
    "label_names": {},
}
ROWS = {"train": 1500, "test": 3}  # more than one digest, and less


def images(split):
    return np.random.default_rng(len(split)).integers(0, 256, (ROWS[split], 8, 8, 3), dtype=np.uint8)


def make(path, overwrite=False):
    with spooling(path) as spools:
        for split in ROWS:
            for row, image in enumerate(images(split)):
                points = np.full((5, 2), row, np.float32)
                spools[split].append(f"{split} é/{row}", {"images": image, "labels": row, "landmarks": points})
        return write(path, spools, HEADER, overwrite)


@pytest.fixture
def prepared(tmp_path, whole):
    return Path(shutil.copy(whole, tmp_path / "data.h5"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "data.h5"
    make(path)
    return path


def test_round_trip(prepared):
    file = PreparedFile(prepared)
    assert (file.splits, file.shape, file.labels) == (("train", "test"), (3, 8, 8), ("landmarks", "labels"))
    assert (file.recipe_name, file.recipe, file.terms) == ("mine", {"name": "mine"}, "free")
    for split in file.splits:
        part = file.split(split)
        assert part.name == split and len(part) == len(part.names) == ROWS[split]
        assert np.array_equal(part.images, images(split)) and part.images.dtype == np.uint8
        assert part.labels["labels"][:].tolist() == list(range(ROWS[split]))
        assert part.labels["landmarks"].shape == (ROWS[split], 5, 2)
        assert part.names[2] == f"{split} é/2"
    file.verify()
    with pytest.raises(TypeError, match="assignment"):
        file.split("test").images[0] = 0


@pytest.mark.parametrize("name", ["recipe_name", "recipe", "options", "label_names", "terms", "tool_version"])
def test_a_changed_text_is_noticed_by_the_check(prepared, name):
    with h5py.File(prepared, "r+") as file:
        changed = (
            file.attrs[name].replace(b"e", b"E", 1).replace(b"l", b"L", 1).replace(b"{}", b"{ }").replace(b"0", b"7", 1)
        )
        assert changed != file.attrs[name]
        file.attrs[name] = np.bytes_(changed)
    with pytest.raises(InputError, match="one of these texts was changed"):
        PreparedFile(prepared).verify()


def test_files_from_before_texts_had_a_digest_are_checked_as_far_as_they_go(prepared):
    with h5py.File(prepared, "r+") as file:
        del file.attrs["texts_digest"]
    PreparedFile(prepared).verify()
    assert PreparedFile(prepared).texts_digest is None


def test_images_lie_in_one_piece_and_h5py_reads_the_same(prepared):
    with h5py.File(prepared) as file:
        assert file["train/images"].chunks is None
        assert np.array_equal(file["train/images"][:], images("train"))
        assert file["train/digests"].shape == (2, 32)


def test_the_same_rows_give_the_same_bytes_at_another_time(tmp_path, whole):
    time.sleep(1.1)  # HDF5 counts its times in seconds
    make(tmp_path / "later.h5")
    assert (tmp_path / "later.h5").read_bytes() == whole.read_bytes()


def test_identity_follows_the_contents(tmp_path, whole):
    with spooling(tmp_path / "other.h5") as spools:
        for row, image in enumerate(images("test")):
            spools["test"].append(f"{row}", {"images": image ^ 1})
        identity = write(tmp_path / "other.h5", spools, HEADER)
    assert identity == PreparedFile(tmp_path / "other.h5").identity != PreparedFile(whole).identity


def test_an_unknown_split_names_the_choices(prepared):
    with pytest.raises(InputError, match="did you mean 'train'"):
        PreparedFile(prepared).split("trian")


@pytest.mark.parametrize("part", [0.0, 0.001, 0.02, 0.5, 0.99, 0.99999])
def test_a_file_cut_short_is_refused(prepared, part):
    whole = prepared.read_bytes()
    prepared.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match=r"data\.h5.*inpaint prepare"):
        PreparedFile(prepared)


def test_an_unfinished_file_is_refused(prepared):
    with h5py.File(prepared, "r+") as file:
        del file.attrs["complete"]
    with pytest.raises(InputError, match="not finished"):
        PreparedFile(prepared)


def test_another_schema_and_a_foreign_file_are_refused(prepared, tmp_path):
    with h5py.File(prepared, "r+") as file:
        file.attrs["schema"] = np.int64(99)
    with pytest.raises(InputError, match="schema 99"):
        PreparedFile(prepared)
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["images"] = np.zeros(3)
    (tmp_path / "text.h5").write_text("hello")
    for name in ("foreign.h5", "text.h5", "absent.h5"):
        with pytest.raises(InputError, match=f"{name}.*inpaint prepare"):
            PreparedFile(tmp_path / name)


def soft_link(group):
    group["images"] = h5py.SoftLink("/test/images")


def external_link(group):
    group["images"] = h5py.ExternalLink("elsewhere.h5", "/images")


def virtual(group):
    layout = h5py.VirtualLayout((1500, 8, 8, 3), "u1")
    layout[:3] = h5py.VirtualSource("elsewhere.h5", "images", (3, 8, 8, 3))
    group.create_virtual_dataset("images", layout)


def external_storage(group):
    group.create_dataset("images", (1500, 8, 8, 3), "u1", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def chunked(group):
    group.create_dataset("images", (1500, 8, 8, 3), "u1", chunks=(1, 8, 8, 3), compression="gzip")


def never_written(group):
    group.create_dataset("images", (1500, 8, 8, 3), "u1")


def enormous(group):
    group.create_dataset("images", (1 << 40, 8, 8, 3), "u1")


def fewer_rows(group):
    group["images"] = np.zeros((1499, 8, 8, 3), "u1")


def other_type(group):
    group["images"] = np.zeros((1500, 8, 8, 3), "f4")


def two_channels(group):
    group["images"] = np.zeros((1500, 8, 8, 2), "u1")


def a_group(group):
    group.create_group("images")


def nothing(group):
    pass


HOSTILE = (
    soft_link,
    external_link,
    virtual,
    external_storage,
    chunked,
    never_written,
    enormous,
    fewer_rows,
    other_type,
    two_channels,
    a_group,
    nothing,
)


@pytest.mark.parametrize("replace", HOSTILE, ids=lambda f: f.__name__)
def test_images_that_are_not_plainly_in_the_file_are_refused(prepared, replace):
    with h5py.File(prepared, "r+") as file:
        del file["train/images"]
        replace(file["train"])
    with pytest.raises(InputError, match=r"data\.h5"):
        PreparedFile(prepared)


@pytest.mark.parametrize("value", ["variable length", np.zeros(5), 1.5], ids=["text", "array", "float"])
def test_attributes_of_another_kind_are_refused_unread(prepared, value):
    with h5py.File(prepared, "r+") as file:
        file.attrs["schema"] = value
    with pytest.raises(InputError, match="schema"):
        PreparedFile(prepared)


def test_verify_names_the_rows_that_changed(prepared):
    file = PreparedFile(prepared)
    with h5py.File(prepared) as opened:
        offset = opened["train/images"].id.get_offset() + 1200 * 8 * 8 * 3
    with prepared.open("r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)[0]
        handle.seek(offset)
        handle.write(bytes([byte ^ 1]))
    with pytest.raises(InputError, match="split train, rows 1024-1499"):
        file.verify()


def test_an_existing_output_is_left_and_no_temporary_file_remains(prepared):
    before = prepared.read_bytes()
    with pytest.raises(UsageError, match="--overwrite"):
        make(prepared)
    assert prepared.read_bytes() == before and list(prepared.parent.iterdir()) == [prepared]
    make(prepared, overwrite=True)
    assert list(prepared.parent.iterdir()) == [prepared]


FILE_LIMIT = """
import resource, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
import numpy as np
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.errors import EnvironmentFault
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
path = Path(sys.argv[1])
header = {"recipe_name": "a", "recipe": "b", "terms": "c", "options": {}, "label_names": {}}
try:
    with spooling(path) as spools:
        for row in range(100):
            spools["train"].append(str(row), {"images": np.zeros((8, 8, 1), np.uint8)})
        write(path, spools, header)
except EnvironmentFault as error:
    print(error, file=sys.stderr)
    sys.exit(4)
"""


# The rows alone need 6,400 bytes, the file about 10,000: the limit strikes the spool, HDF5's layout, the copy.
@pytest.mark.parametrize("limit", [500, 3000, 6000, 6500, 8000])
def test_a_full_disk_ends_in_one_message_and_leaves_nothing(tmp_path, limit):
    command = [sys.executable, "-c", FILE_LIMIT, str(tmp_path / "a.h5"), str(limit), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == EnvironmentFault.exit_code, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "failed" in done.stderr
    assert list(tmp_path.iterdir()) == []


OPEN_EACH = """
import sys
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InputError
for path in sys.argv[1:]:
    try:
        PreparedFile(path)
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(not BAD_INPUTS.is_dir(), reason="the collection of bad inputs is not here")
def test_hostile_hdf5_files_are_refused_without_a_crash():
    paths = [str(path) for path in sorted(BAD_INPUTS.rglob("*")) if path.is_file()]
    command = [sys.executable, "-c", OPEN_EACH, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(paths) > 70 and all(path in done.stdout for path in paths)
