"""Row LSTM, Diagonal BiLSTM, Flattened Row LSTM: what a value sees, and that filling is asking value by value."""

import pytest
import torch
from naive import value_by_value

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import method_class
from inpaint_cli.networks.pixels import to_pixels

SHAPE = ImageShape(3, 10, 9)
SMALL = {
    "row-lstm": {"layers": 2, "hidden": 12, "head": 48},
    "diagonal-bilstm": {"layers": 2, "hidden": 12, "head": 48},
    "flattened-row-lstm": {"hidden": 12},
}
NAMES = list(SMALL)


def build(name, shape=SHAPE, **settings):
    torch.manual_seed(0)
    chosen = method_class(name)
    method = chosen(chosen.Settings(**{**SMALL[name], **settings}), shape, None)
    for parameter in method.parameters():  # distinct peaks, as trained weights have
        parameter.data.mul_(2)
    return method.eval()


def images(count, shape=SHAPE, seed=0):
    levels = torch.randint(0, 256, (count, *shape), generator=torch.Generator().manual_seed(seed))
    return to_pixels(levels)


def those_before(row, column, channel):
    """The values that come before one, bool [3, 10, 9]."""
    before = torch.zeros(*SHAPE, dtype=torch.bool)
    before[:, :row] = before[:, row, :column] = True
    before[:channel, row, column] = True
    return before


@pytest.mark.parametrize("name", NAMES)
def test_a_value_sees_nothing_that_comes_after_it(name):
    """Changing a value changes no distribution before it, nor its own; it changes that of the next one."""
    method, image = build(name), images(1)
    with torch.no_grad():
        base = torch.stack(list(method.logits(image)), dim=1)[0]  # [C, H, W, 256]
        for row, column, channel in ((4, 4, 0), (4, 4, 1), (4, 4, 2), (0, 0, 0), (6, 8, 2)):
            other = image.clone()
            other[0, channel, row, column] += 1.0 if other[0, channel, row, column] < 0 else -1.0
            changed = (torch.stack(list(method.logits(other)), dim=1)[0] != base).any(dim=-1)
            behind = ~those_before(row, column, channel)
            behind[channel, row, column] = False
            assert changed.any() and not changed[~behind].any()
            if channel < 2:
                assert changed[channel + 1, row, column]


def test_the_flattened_rows_lstm_begins_by_remembering_and_its_gradients_are_clipped():
    method = method_class("flattened-row-lstm")(method_class("flattened-row-lstm").Settings(layers=2), SHAPE, None)
    for layer in range(2):
        biases = [getattr(method.network.lstm, f"{name}_l{layer}").detach() for name in ("bias_ih", "bias_hh")]
        into, forget, content, out = sum(biases).chunk(4)
        assert forget.eq(1).all() and not any(gate.eq(1).any() for gate in (into, content, out))
    assert method.defaults.clip_gradients == 1


def test_diagonals_see_all_pixels_before():
    """What Row LSTM's triangle misses: the far corners of the rows above."""
    method, image = build("diagonal-bilstm"), images(1)
    with torch.no_grad():
        base = method.logits(image)[0][0, 6, 4]
        for row, column in ((0, 0), (5, 8), (5, 0), (1, 8)):
            other = image.clone()
            other[0, :, row, column] *= -1
            assert not torch.equal(method.logits(other)[0][0, 6, 4], base)


def test_the_triangle_of_row_lstm():
    """Two layers 1×3 over a 7×7 convolution: one row above, a pixel is seen up to some columns away, and not beyond."""
    method = build("row-lstm", ImageShape(3, 4, 33))
    image = images(1, ImageShape(3, 4, 33)).requires_grad_()
    (gradient,) = torch.autograd.grad(method.logits(image)[0][0, 3, 16].square().sum(), image)
    seen = gradient[0].abs().sum(dim=0) > 0
    widths = [seen[row].sum().item() for row in (3, 2, 0)]
    assert widths[0] < widths[1] <= widths[2] < 33


@pytest.mark.parametrize("masks", ["center:4", "block:5", "noise:0.4", "colorize:2", "rec:0.3", "squares:3"])
@pytest.mark.parametrize("name", NAMES)
def test_filling_is_asking_value_by_value(name, masks):
    method, image = build(name), images(3)
    mask = parse_masks(masks).draw(3, SHAPE, generator=torch.Generator().manual_seed(0))
    observed = torch.where(mask > 0, image, 0.0)
    with torch.no_grad():
        completed = method.complete(observed, mask)[:, 0]
        assert torch.equal(completed, value_by_value(method, observed, mask))
    assert torch.equal(completed[mask.expand_as(image) > 0], image[mask.expand_as(image) > 0])


@pytest.mark.parametrize("name", NAMES)
def test_drawn_samples_are_drawn_value_by_value_too(name):
    method, image = build(name, temperature=0.7, first_sample="drawn"), images(2)
    mask = parse_masks("center:4").draw(2, SHAPE, generator=torch.Generator().manual_seed(0))
    observed = torch.where(mask > 0, image, 0.0)
    draws = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        completed = method.complete(observed, mask, generator=torch.Generator().manual_seed(5))[:, 0]
        assert torch.equal(completed, value_by_value(method, observed, mask, draws))


@pytest.mark.parametrize("name", NAMES)
def test_images_are_made_from_nothing_and_nothing_is_filled_where_nothing_is_missing(name):
    shape = ImageShape(3, 6, 5)
    method, nothing = build(name, shape), torch.zeros(2, *shape)
    with torch.no_grad():
        made = method.complete(nothing, torch.zeros(2, 1, 6, 5))[:, 0]
        assert torch.equal(made, value_by_value(method, nothing, torch.zeros(2, 1, 6, 5)))
        whole = images(2, shape)
        assert torch.equal(method.complete(whole, torch.ones(2, 1, 6, 5))[:, 0], whole)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_does_not_depend_on_its_batch(name):
    method, image = build(name), images(3)
    mask = parse_masks("block:4").draw(3, SHAPE, generator=torch.Generator().manual_seed(1))
    observed = torch.where(mask > 0, image, 0.0)
    with torch.no_grad():
        together = method.complete(observed, mask)
        alone = torch.cat([method.complete(observed[n : n + 1], mask[n : n + 1]) for n in range(3)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("name", NAMES)
def test_training_lowers_the_bits_per_dimension(name):
    """Of images of one flat colour each, from 8 bits that say nothing."""
    torch.manual_seed(0)
    chosen = method_class(name)
    method = chosen(chosen.Settings(**SMALL[name]), SHAPE, None)
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-2)
    generator, bits = torch.Generator().manual_seed(0), []
    for _ in range(40):
        levels = torch.randint(0, 8, (4, 3, 1, 1), generator=generator) * 32
        image = to_pixels(levels.expand(4, *SHAPE))
        (turn,) = method.turns()
        loss = sum(turn.loss(Batch(image, torch.ones(4, 1, 10, 9))).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bits.append(loss.item())
    assert bits[0] == pytest.approx(8, abs=0.6) and bits[-1] < 4.5
