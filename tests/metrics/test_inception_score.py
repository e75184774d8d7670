"""The inception score on closed forms, and with a classifier of the user's."""

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from inpaint_cli.errors import InputError
from inpaint_cli.metrics import Completions, choose, measure, summarise
from inpaint_cli.metrics.inception_score import SPLITS, score
from inpaint_cli.networks.classifier import Description, load_classifier, save_classifier

RANDOM = np.random.default_rng(0)
SMALL = {"architecture": "squeezenet1_1", "classes": 7, "name": "tiny", "size": 48}


def logarithms(probabilities):
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probabilities), -700)


def test_sure_and_varied_answers_score_the_number_of_classes():
    assert score(logarithms(np.eye(8))) == pytest.approx(8)


def test_answers_that_are_all_alike_score_one():
    alike = np.tile(RANDOM.dirichlet(np.ones(5)), (20, 1))
    assert score(np.log(alike)) == pytest.approx(1)


def test_two_classes_have_a_closed_form():
    p = 0.9
    each = np.array([[p, 1 - p], [1 - p, p]])
    assert score(np.log(each)) == pytest.approx(2 * p**p * (1 - p) ** (1 - p))


def test_splits_are_shuffled_so_that_sorted_sets_score_as_shuffled_ones():
    chosen, sorted_rows = choose(["inception-score"]), np.repeat(np.eye(10), 200, axis=0)
    summary = summarise({"class_log_probabilities": logarithms(sorted_rows)}, chosen)
    assert 9.5 < summary["inception_score"] < 10  # in order, every split would hold one class and score 1
    assert 0 < summary["inception_score_std"] < 0.5


def test_fewer_images_than_splits_are_refused():
    with pytest.raises(InputError, match="at least 10 images; there are 9"):
        summarise({"class_log_probabilities": np.zeros((SPLITS - 1, 3))}, choose(["inception-score"]))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return get_model(SMALL["architecture"], num_classes=SMALL["classes"]).eval()


def test_a_classifier_of_the_users_is_built_from_its_file(tiny, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_classifier(path, tiny.state_dict(), Description(**SMALL, mean=(0, 0, 0), std=(1, 1, 1), order="BGR"))
    classifier = load_classifier(path)
    stack = RANDOM.integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    image = torch.from_numpy(stack[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        expected = tiny(image).numpy()
    np.testing.assert_allclose(classifier.describe(stack)["logits"], expected, rtol=1e-4, atol=1e-5)
    rows = measure(
        Completions(stack, stack, np.ones(stack.shape[:3], bool), networks={"classifier": classifier}),
        choose(["inception-score"]),
    )
    np.testing.assert_allclose(np.exp(rows["class_log_probabilities"]).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "squeezenet"}, "did you mean 'squeezenet1_"),
        ({"classes": 5}, "size mismatch"),
        ({"order": "GBR"}, "order"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(change, words, tiny, tmp_path):
    path = tmp_path / "wrong.safetensors"
    save_classifier(path, tiny.state_dict(), Description.model_construct(**{**SMALL, **change}))
    with pytest.raises(InputError, match=r"wrong\.safetensors") as error:
        load_classifier(path)
    assert words in str(error.value)


def test_files_without_description_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name, words in (("plain.safetensors", "no entry 'classifier'"), ("text.safetensors", "not a classifier")):
        with pytest.raises(InputError, match=words):
            load_classifier(tmp_path / name)
