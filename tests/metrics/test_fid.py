"""The Fréchet distance on closed forms, and the FID against pytorch-fid's own command with the same weights."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.linalg import sqrtm

from inpaint_cli.errors import InputError
from inpaint_cli.metrics import (
    Completions,
    choose,
    joined,
    kept_statistics,
    load_statistics,
    measure,
    reference_statistics,
    save_statistics,
    summarise,
)
from inpaint_cli.metrics.frechet import ROWS_AT_ONCE, Statistics, distance, statistics
from inpaint_cli.networks.inception import BLOCK, PREPROCESSING, Inception, random_state

RANDOM = np.random.default_rng(0)


def test_equal_statistics_have_no_distance():
    some = statistics(RANDOM.normal(size=(40, 100)))
    assert 0 <= distance(some, some) < 1e-9


def test_means_apart_add_their_squared_distance():
    covariance = np.cov(RANDOM.normal(size=(50, 6)), rowvar=False)
    far = Statistics(np.full(6, 2.0), covariance)
    assert distance(Statistics(np.zeros(6), covariance), far) == pytest.approx(4 * 6, rel=1e-12)


def test_diagonal_covariances_have_a_closed_form():
    first, second = RANDOM.uniform(0, 9, 50), RANDOM.uniform(0, 9, 50)
    first[:20] = 0  # without full rank
    found = distance(Statistics(np.zeros(50), np.diag(first)), Statistics(np.zeros(50), np.diag(second)))
    assert found == pytest.approx(((np.sqrt(first) - np.sqrt(second)) ** 2).sum(), rel=1e-12)
    nothing = Statistics(np.zeros(50), np.zeros((50, 50)))
    assert distance(nothing, Statistics(np.zeros(50), np.diag(second))) == pytest.approx(second.sum())


def test_scipys_matrix_root_agrees():
    first, second = (statistics(RANDOM.normal(size=(300, 64)) @ RANDOM.normal(size=(64, 64))) for _ in range(2))
    root = sqrtm(first.covariance @ second.covariance).real
    expected = ((first.mean - second.mean) ** 2).sum() + np.trace(first.covariance + second.covariance - 2 * root)
    assert distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert distance(second, first) == pytest.approx(expected, rel=1e-9)


def test_statistics_are_numpys_whatever_the_number_of_rows():
    features = RANDOM.normal(3, 2, (ROWS_AT_ONCE + 77, 8)).astype(np.float32)
    found = statistics(features)
    np.testing.assert_allclose(found.mean, features.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(
        found.covariance, np.cov(features.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-12
    )
    with pytest.raises(InputError, match="at least 2 images"):
        statistics(features[:1])


def test_statistics_of_other_networks_are_refused():
    with pytest.raises(InputError, match="different networks"):
        distance(statistics(RANDOM.normal(size=(9, 3))), statistics(RANDOM.normal(size=(9, 4))))


def test_files_are_exchanged_with_other_tools(tmp_path):
    some = statistics(RANDOM.normal(size=(9, 5)))
    save_statistics(tmp_path / "ours.npz", some)
    with np.load(tmp_path / "ours.npz") as file:
        np.testing.assert_array_equal(file["mu"], some.mean)
    np.savez_compressed(tmp_path / "theirs.npz", mu=some.mean, sigma=some.covariance)  # as pytorch-fid writes
    assert distance(load_statistics(tmp_path / "theirs.npz"), some) < 1e-9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"mu": np.zeros(3)}, "mu and sigma"),
        ({"mu": np.zeros(3), "sigma": np.zeros((2, 2))}, "no mean and covariance"),
        ({"mu": np.full(2, np.nan), "sigma": np.eye(2)}, "not finite"),
        ({"mu": np.zeros(2), "sigma": np.array([[1.0, 2.0], [0.0, 1.0]])}, "not symmetric"),
        ({"mu": np.array([{}]), "sigma": np.eye(1)}, "mu and sigma"),  # a pickle: not opened
        (None, "mu and sigma"),
    ],
)
def test_other_files_are_refused_by_name(content, words, tmp_path):
    path = tmp_path / "statistics.npz"
    path.write_bytes(b"no archive") if content is None else np.savez(path, **content)
    with pytest.raises(InputError, match=words) as error:
        load_statistics(path)
    assert "statistics.npz" in str(error.value)


def test_statistics_are_kept_by_all_that_they_depend_on(tmp_path):
    computed = []

    def compute():
        computed.append(1)
        return statistics(RANDOM.normal(size=(9, 5)))

    identity = {"data": "abc", "split": "test", "images": 9, "mode": "clean", "weights": "def"}
    first = kept_statistics(tmp_path / "fid", identity, compute)
    again = kept_statistics(tmp_path / "fid", identity, compute)
    assert len(computed) == 1 and np.array_equal(first.covariance, again.covariance)
    for name in identity:
        kept_statistics(tmp_path / "fid", {**identity, name: "other"}, compute)
    assert len(computed) == 1 + len(identity)
    for path in (tmp_path / "fid").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    kept_statistics(tmp_path / "fid", identity, compute)
    assert len(computed) == 2 + len(identity)


@pytest.fixture(scope="module")
def state():
    return random_state()


@pytest.fixture(scope="module")
def network(state):
    return Inception(state)


def images(count, size=32, channels=3, seed=0):
    """Smooth shapes with noise: random weights tell them apart."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 4, 4, channels), dtype=np.uint8)
    smooth = [
        np.asarray(Image.fromarray(c.squeeze()).resize((size, size))).reshape(size, size, channels) for c in coarse
    ]
    return np.clip(np.stack(smooth) + random.normal(0, 10 + 10 * seed, (count, size, size, channels)), 0, 255).astype(
        np.uint8
    )


def completions(stack, network):
    return Completions(
        stack, stack, np.ones(stack.shape[:3], bool), networks={"inception": network, "classifier": network}
    )


def test_features_are_those_of_pytorch_fids_network(state, network, monkeypatch):
    from pytorch_fid import inception

    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *arguments, **options: state)
    theirs, stack = inception.InceptionV3().eval(), images(3, size=40)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255)[0].squeeze().numpy()
    found = network.describe(stack)["features"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_clean_resizing_is_clean_fids(network):
    resize = pytest.importorskip("cleanfid.resize").build_resizer("clean")
    for size in (32, 400):
        stack = images(1, size=size)
        expected = (torch.from_numpy(resize(stack[0])).permute(2, 0, 1) - 128) / 128
        torch.testing.assert_close(PREPROCESSING["clean"](stack, torch.device("cpu"))[0], expected)


def test_rows_do_not_depend_on_the_batch_in_any_digit(network):
    stack = images(BLOCK + 3)
    chosen = choose(["fid", "inception-score"])
    whole = measure(completions(stack, network), chosen)
    shuffled = RANDOM.permutation(len(stack))
    batches = joined([measure(completions(stack[p], network), chosen) for p in np.split(shuffled, [1, 9])])
    for name, values in whole.items():
        np.testing.assert_array_equal(batches[name], values[shuffled])


def test_grey_images_are_seen_as_colour(network):
    grey = images(2, channels=1)
    for mode in PREPROCESSING:
        seen = PREPROCESSING[mode](np.repeat(grey, 3, axis=-1), torch.device("cpu"))
        torch.testing.assert_close(PREPROCESSING[mode](grey, torch.device("cpu")), seen, rtol=0, atol=0)


def test_a_single_image_is_refused(network):
    chosen = choose(["fid"])
    rows = {"fid_features": np.zeros((1, 4), np.float32)}
    with pytest.raises(InputError, match="at least 2 images; there are 1"):
        summarise(rows, chosen, {"fid": statistics(np.eye(4))})


@pytest.mark.long
def test_pytorch_fids_own_command_agrees(state, network, tmp_path):
    stacks = {"original": images(6, seed=0), "completed": images(6, seed=1)}
    for name, stack in stacks.items():
        (tmp_path / name).mkdir()
        for index, image in enumerate(stack):
            Image.fromarray(image).save(tmp_path / name / f"{index:02}.png")
    weights = tmp_path / "torch" / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    weights.parent.mkdir(parents=True)
    torch.save(state, weights)
    command = [sys.executable, "-m", "pytorch_fid", "--device", "cpu", "--num-workers", "0", "--batch-size", "6"]
    answer = subprocess.run(
        [*command, str(tmp_path / "original"), str(tmp_path / "completed")],
        env={**os.environ, "TORCH_HOME": str(tmp_path / "torch")},
        capture_output=True,
        text=True,
        check=False,
    )
    theirs = re.search(r"FID:\s+(\S+)", answer.stdout)
    if theirs is None and "sqrtm" in answer.stderr:
        pytest.skip("this SciPy is too new for pytorch-fid's own distance")
    chosen = choose(["fid"])
    rows = {name: measure(completions(stack, network), chosen) for name, stack in stacks.items()}
    reference = {"fid": reference_statistics(chosen[0], rows["original"])}
    found = summarise(rows["completed"], chosen, reference)["fid"]
    assert found == pytest.approx(float(theirs[1]), rel=1e-3)
    assert found > 0.1
