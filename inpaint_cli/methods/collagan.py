"""Face Completion with Semantic Knowledge and Collaborative Adversarial Learning: one generator, three tasks.

Liao, Funka-Lea, Zheng, Luo, Zhou; ACCV 2018.

    Eq. 1    CollaGAN.discriminator_turn, .generator_turn   a conditional discriminator for each task (losses.py)
    Eq. 2    CollaGAN.reconstruction                        L1 for the image, balanced L2 for label and landmark maps
    Eq. 3    CollaGAN.generator_turn                        the sum
    Eq. 4    CollaGAN.fakes                                 concentrated: what the discriminator of the image sees
    Eq. 5    concentrate                                    the output inside the hole, the known pixels around it
    Eq. 6    masked_absolute_error                          concentrated: the L1 distance within the hole alone
    4.1      fill, targets, heatmaps (networks)             what stands in the hole, and what each task aims at
    figure 6 Generator.trunk                                the last maps that all tasks share

Departures, each selectable where it is a choice:
- 1 - log D in Eq. 1 and 4 is a misprint of log(1 - D); the generator descends -log D, the non-saturating form.
- Norms are means over elements. Eq. 6 divides by as many elements as the L1 distance of the whole image does, so that a
  missing pixel weighs the same with the concentrated scheme and without, as it does in the printed sums.
- Maps of labels and landmarks aim at 0 where nothing is, in the middle of tanh (section 3.2: "binary mask"): at -1,
  where it is flat, points and small parts are hardly learned.
- A mean over a map's elements drowns what is small: a landmark's background is 99.8 % of the squares, and L_rec yields
  to the adversarial term. Each map's foreground and background are weighted by their share (`balancing_weights`): 300
  small steps on landmarks alone leave 5 pixels of error, and 42 without (`balance=0`).
- The concentrated scheme trains nothing outside of the hole: Poisson blending takes no gradient from there.
- λ_res of section 4.2 is λ_rec of Eq. 2; weights that are not set follow the number of tasks, as it lists them.
- The learning rate of 0.01 diverges easily with Adam: the default is 2e-4, as in DCGAN; 0.01 stays selectable.
- The noise z of Eq. 1 fills blocks and noise masks, and 0 patterns, as in section 4.1, in training and completion. The
  hole itself, drawn or painted over a photo, says which it is: a pattern takes less than half of the box around it. A
  model that learned from patterns alone is never shown noise, which would cost 1.6 dB behind blocks. A trained model
  shows all images of a batch the same noise, so that no answer depends on what stands beside it.
- λ_adv of Eq. 1 weighs the fakes in the discriminators' half, too. There it is left out: discriminators that hardly
  count what is generated would not tell it from what is real.
- Batch norm "follows each layer" in section 3.4. Here it follows neither the first layers, as in DCGAN, on which the
  section builds, nor the encoder's last, whose single pixels have as many values as the batch has images.
- 128 pixels are halved 7 times, to a single one. Other sizes are halved as often as they can be, 4 to 7 times.
- "Similar structure to the encoder" leaves the discriminators' last layer open: here the fifth convolution gives one
  score for each patch, as in Isola et al. 2017. Label and landmark maps are "much easier for judging" (section 3.1), so
  their discriminators have half the channels unless `judge_share` is 1: three tasks take little more time than one.
"""

import itertools
import math
from collections.abc import Container
from functools import cached_property, partial
from typing import NamedTuple

import torch
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric
from inpaint_cli.errors import InputError
from inpaint_cli.losses import discriminator_loss, generator_loss
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Defaults, ImageShape, Method, Player, Turn
from inpaint_cli.networks.heatmaps import balanced_squared_error, heatmaps, label_maps, peaks
from inpaint_cli.networks.painted import share_of_box
from inpaint_cli.networks.strided import doubling, halving, initialise

LEVELS = 7  # strided convolutions: 128 -> 64 -> … -> 1
FEWEST = 4  # that sizes with fewer halvings in them may have: 96 -> 5, 48 -> 4
WIDEST = 8  # times the width, as in DCGAN
SOLID = (
    0.5  # share of the box around it that a hole takes, if it is no pattern: 1 for blocks, 0.8 for the paper's noise
)
LOOKED_AT, FEW = 64, 0.1  # masks of the training, and which share of them says little about it


class Task(NamedTuple):
    """What a letter stands for."""

    name: str
    label: str | None  # the column of the prepared data that it learns from, beside the image
    recipe: str = ""  # how to come by that


TASKS = {
    "i": Task("inpainting", None),
    "s": Task(
        "segmentation",
        "parsing",
        "the recipes celebamask-hq-128 and helen-128 make label maps, and `inpaint prepare RECIPE --parsing "
        "CHECKPOINT` predicts them by a trained face-parser",
    ),
    "d": Task(
        "landmark detection",
        "landmarks",
        "the recipe celeba-128 has landmarks where CelebA's list of them is there, celebamask-hq-128 always, and "
        "`inpaint prepare RECIPE --parsing CHECKPOINT --landmarks` takes them from label maps",
    ),
}
WEIGHTS = {  # number of tasks -> task -> (λ_adv, λ_rec), section 4.2
    1: {"i": (1.0, 100.0), "s": (1.0, 1000.0), "d": (1.0, 1000.0)},
    2: {"i": (0.8, 100.0), "s": (0.2, 200.0), "d": (0.2, 200.0)},
    3: {"i": (0.8, 100.0), "s": (0.1, 200.0), "d": (0.1, 200.0)},
}


def _weight(kind: str, task: str) -> float | None:
    return Field(None, ge=0, description=f"λ_{kind}^{task}; unset: by the number of tasks, section 4.2")


@dataclass(frozen=True, kw_only=True)
class Settings:
    tasks: str = Field("i,s,d", description="any of i (inpainting), s (segmentation), d (landmarks), section 3.1")
    concentrated: bool = Field(True, description="the inpainting concentrated scheme, Eq. 4-6; the paper's best model")
    width: int = Field(64, ge=2, description="channels of the finest maps, as DCGAN; not in the paper")
    judge_share: float = Field(
        0.5, gt=0, le=1, description="channels of the maps' discriminators, share of the image's; 1 in the paper"
    )
    labels: int = Field(11, ge=2, le=256, description="of the label maps: Helen's, background and hair included")
    sigma: float = Field(3.0, gt=0, description="of the landmarks' Gaussians in pixels; not in the paper")
    balance: float = Field(
        0.5,
        ge=0,
        le=1,
        description="by how much small parts of label and landmark maps weigh more; 0 in the paper",
        json_schema_extra={"before": 0.0},
    )
    adversarial_i: float | None = _weight("adv", "i")
    adversarial_s: float | None = _weight("adv", "s")
    adversarial_d: float | None = _weight("adv", "d")
    reconstruction_i: float | None = _weight("rec", "i")
    reconstruction_s: float | None = _weight("rec", "s")
    reconstruction_d: float | None = _weight("rec", "d")
    learning_rate: float = Field(2e-4, gt=0, description="DCGAN's; section 4.2 has 0.01, see the file's header")
    beta1: float = Field(0.5, ge=0, lt=1, description="DCGAN's; not in the paper")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value; not in the paper")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 answers with averaged weights")
    shift: float = Field(0.1, ge=0, description="random shift, share of the side; section 4.1, without figures")
    scale: float = Field(0.15, ge=0, description="random scale, up or down by this; section 4.1, without figures")
    rotation: float = Field(15.0, ge=0, description="random rotation in degrees; section 4.1, without figures")
    flip: float = Field(0.5, ge=0, le=1, description="share that is mirrored; section 4.1, without figures")

    @field_validator("tasks")
    @classmethod
    def _canonical(cls, text: str) -> str:
        named = [letter.strip() for letter in text.split(",")]
        wrong = [letter for letter in named if letter not in TASKS]
        if wrong or len({*named}) < len(named):
            raise ValueError(f"tasks are {', '.join(TASKS)}, each once, between commas: i,s,d")
        return ",".join(letter for letter in TASKS if letter in named)

    @property
    def learned_labels(self) -> tuple[str, ...]:
        return tuple(label for task in self.tasks.split(",") if (label := TASKS[task].label))

    def check_labels(self, labels: Container[str]) -> None:
        missing = [task for task in TASKS.values() if task.label in self.learned_labels and task.label not in labels]
        if missing:
            learned = " and ".join(f"{task.label} ({task.name})" for task in missing)
            able = [letter for letter, task in TASKS.items() if task.label is None or task.label in labels]
            works = " or ".join(",".join(s) for n in range(len(able), 0, -1) for s in itertools.combinations(able, n))
            raise InputError(
                f"collagan with tasks={self.tasks} learns from {learned}, which this data does not have: "
                f"{'; '.join(task.recipe for task in missing)}. What works with this data: --set tasks={works}"
            )


class Generator(nn.Module):
    """G: encoder and decoder of as many layers with skip connections; a last layer with tanh for each task."""

    def __init__(self, shape: ImageShape, width: int, levels: int, outputs: dict[str, int]):
        super().__init__()
        sizes = [shape.channels, *(width * min(2**level, WIDEST) for level in range(levels))]
        steps = enumerate(itertools.pairwise(sizes))
        self.encoder = nn.ModuleList(halving(i, o, 0 < level < levels - 1) for level, (i, o) in steps)
        upwards = sizes[-2:0:-1]  # 512, 512, 512, 256, 128, 64
        # Every block but the first also takes its skip connection.
        inputs = [sizes[-1], *(2 * size for size in upwards[:-1])]
        self.decoder = nn.ModuleList(doubling(i, o) for i, o in zip(inputs, upwards, strict=True))
        last = 2 * width
        self.heads = nn.ModuleDict({t: nn.ConvTranspose2d(last, n, 4, 2, 1) for t, n in outputs.items()})
        self.apply(initialise)

    def encode(self, image: Tensor) -> list[Tensor]:
        """[B, C, H, W] -> each layer's maps, the coarsest last."""
        maps = [image]
        for block in self.encoder:
            maps.append(block(maps[-1]))
        return maps[1:]

    def trunk(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> the last common maps [B, width, H/2, W/2]; the same with those of the skip connection."""
        maps = self.encode(image)
        x = maps[-1]
        for block, skip in zip(self.decoder, maps[-2::-1], strict=True):
            common = block(x)
            x = torch.cat([common, skip], dim=1)
        return common, x

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """x with its hole filled -> each task's maps in [-1, 1], [B, n, H, W]."""
        _, shared = self.trunk(image)
        return {task: torch.tanh(head(shared).float()) for task, head in self.heads.items()}


class Discriminator(nn.Module):
    """D_t: five layers over the condition and one task's maps -> logits of patches, [B, 1, h, w]."""

    def __init__(self, channels: int, width: int, levels: int):
        super().__init__()
        sizes = [channels, *(width * min(2**level, WIDEST) for level in range(levels - 1))]
        steps = enumerate(itertools.pairwise(sizes))
        self.layers = nn.Sequential(*(halving(i, o, level > 0) for level, (i, o) in steps))
        self.to_score = nn.Conv2d(sizes[-1], 1, 4, 2, 1)
        self.apply(initialise)

    def forward(self, condition: Tensor, maps: Tensor) -> Tensor:
        return self.to_score(self.layers(torch.cat([condition, maps], dim=1))).float()


def is_pattern(mask: Tensor) -> Tensor:
    """Whether each image's hole is irregular "and already noisy", section 4.1: {0, 1} [B, 1, H, W] -> bool [B]."""
    return share_of_box(mask) < SOLID


def fill(image: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
    """x: noise in the hole, 0 where it is a pattern, section 4.1. [B, C, H, W]; noise: [B or 1, C, H, W]"""
    return torch.where(mask > 0, image, torch.where(is_pattern(mask)[:, None, None, None], 0.0, noise))


def concentrate(output: Tensor, observed: Tensor, mask: Tensor) -> Tensor:
    """ŷ = G(x, z) ⊙ (1 - M) + x ⊙ M, Eq. 5."""
    return torch.where(mask > 0, observed, output)


def masked_absolute_error(output: Tensor, image: Tensor, where: Tensor) -> Tensor:
    """‖y ⊙ (1 - M) - G ⊙ (1 - M)‖₁, Eq. 6, over the number of all elements; `where` is 1 - M, or 1 for all of them."""
    return (where * (output - image).abs()).mean()


class CollaGAN(Method):
    settings: Settings
    masks: MaskProcess
    Settings = Settings
    title = "Collaborative GAN"
    paper = "collagan"
    # 20 epochs of CelebA's 162,770 training images: section 4.2; the batch is not in the paper.
    defaults = Defaults(masks="block:64", batch=64, steps=50_900, recipe="celeba-128")
    completes_with = ("generator",)
    encodes_with = ("generator.encoder",)
    paints_whole = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.tasks = tuple(settings.tasks.split(","))
        self.completes = "i" in self.tasks
        self.annotates = settings.learned_labels
        self.label_counts = {"parsing": settings.labels} if "s" in self.tasks else {}
        self.weights = self._weights()
        self.learns_rim = not settings.concentrated
        self.ema_decay = settings.ema
        self.augmentation = (Geometric(settings.shift, settings.scale, settings.rotation, settings.flip),)
        levels = self._levels()
        channels = {"i": shape.channels, "s": settings.labels, "d": 5}
        outputs = {task: channels[task] for task in self.tasks}
        self.generator = Generator(shape, settings.width, levels, outputs)
        widths = {t: settings.width if t == "i" else round(settings.judge_share * settings.width) for t in self.tasks}
        self.discriminators = nn.ModuleDict(
            {t: Discriminator(shape.channels + n, widths[t], min(5, levels)) for t, n in outputs.items()}
        )
        betas = (settings.beta1, settings.beta2)
        optimizer = partial(torch.optim.Adam, lr=settings.learning_rate, betas=betas, fused=True)
        self.players["discriminators"] = Player((self.discriminators,), optimizer)
        self.players["generator"] = Player((self.generator,), optimizer)

    def _weights(self) -> dict[str, tuple[float, float]]:
        """(λ_adv, λ_rec) of each task: what is set, else the paper's for so many tasks."""
        found = {}
        for task in self.tasks:
            given = (getattr(self.settings, f"{kind}_{task}") for kind in ("adversarial", "reconstruction"))
            usual = WEIGHTS[len(self.tasks)][task]
            adversarial, reconstruction = (
                own if own is not None else default for own, default in zip(given, usual, strict=True)
            )
            found[task] = adversarial, reconstruction
        return found

    def _levels(self) -> int:
        """The halvings that both sides allow, 7 at most: 128 -> 1 pixel, 96 -> 3."""
        both = math.gcd(self.shape.height, self.shape.width)
        levels = max(level for level in range(LEVELS + 1) if both % 2**level == 0)
        if levels < FEWEST:
            raise InputError(
                f"collagan halves images at least {FEWEST} times: sides must be multiples of {2**FEWEST}, this data "
                f"is {self.shape.width}×{self.shape.height}"
            )
        return levels

    def turns(self):
        return Turn("discriminators", self.discriminator_turn), Turn("generator", self.generator_turn)

    def condition(self, batch: Batch) -> Tensor:
        """x in training, each image with its hole filled by a noise of its own: [B, C, H, W], drawn once per batch."""
        return batch.once("condition", lambda: fill(batch.image, batch.mask, torch.rand_like(batch.image) * 2 - 1))

    def condition_when_trained(
        self, observed: Tensor, mask: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """x with one noise for all images, [B, C, H, W]; without a generator always the same."""
        generator = generator or torch.Generator(mask.device).manual_seed(0)
        noise = torch.rand(observed[:1].shape, generator=generator, device=mask.device) * 2 - 1
        return fill(observed, mask, noise if self.knows_noise else torch.zeros_like(noise))

    @cached_property
    def knows_noise(self) -> bool:
        """Whether noise stood in more than a few holes of the training.

        Masks from files, which may be out of reach once it is trained, are taken for patterns.
        """
        masks = self.masks.without_files
        if masks is None:
            return False
        drawn = masks.draw(LOOKED_AT, self.shape, generator=torch.Generator().manual_seed(0))
        return bool((~is_pattern(drawn)).float().mean() > FEW)

    def outputs(self, batch: Batch) -> dict[str, Tensor]:
        """G(x, z) for each task, computed once per batch."""
        return batch.once("outputs", lambda: self.generator(self.condition(batch)))

    def targets(self, batch: Batch) -> dict[str, Tensor]:
        """y of each task: the image in [-1, 1], a binary map for each label, a heatmap in [0, 1] for each landmark."""
        return batch.once("targets", lambda: {task: self._target(task, batch) for task in self.tasks})

    def _target(self, task: str, batch: Batch) -> Tensor:
        if task == "i":
            return batch.image
        if task == "s":
            return label_maps(batch.labels["parsing"], self.settings.labels)
        return heatmaps(batch.labels["landmarks"], *self.shape[1:], self.settings.sigma)

    def fakes(self, batch: Batch) -> dict[str, Tensor]:
        """What each discriminator judges of the generator: its outputs, or for the image ŷ of Eq. 5, in Eq. 4."""
        fakes = dict(self.outputs(batch))
        if self.settings.concentrated and "i" in fakes:
            fakes["i"] = concentrate(fakes["i"], batch.observed, batch.mask)
        return fakes

    def discriminator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Each task's half of Eq. 1 that its discriminator maximises."""
        condition, real, fake = self.condition(batch), self.targets(batch), self.fakes(batch)
        return {
            f"discriminator_{task}": discriminator_loss(
                discriminator(condition, real[task]), discriminator(condition, fake[task].detach())
            )
            for task, discriminator in self.discriminators.items()
        }

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 3: the generator's half of Eq. 1, and Eq. 2."""
        condition, fakes, errors = self.condition(batch), self.fakes(batch), self.reconstruction(batch)
        terms = {}
        for task, (adversarial, reconstruction) in self.weights.items():
            terms[f"reconstruction_{task}"] = reconstruction * errors[task]
            if adversarial:
                terms[f"adversarial_{task}"] = adversarial * generator_loss(
                    self.discriminators[task](condition, fakes[task])
                )
        return terms

    def reconstruction(self, batch: Batch) -> dict[str, Tensor]:
        """L_rec of each task, section 3.2: L1 for the image (concentrated: Eq. 6), balanced L2 for maps."""
        outputs, targets = self.outputs(batch), self.targets(batch)
        balance, maps = self.settings.balance, [task for task in self.tasks if task != "i"]
        errors = {task: balanced_squared_error(outputs[task], targets[task], balance) for task in maps}
        if "i" in self.tasks:
            where = 1 - batch.mask if self.settings.concentrated else torch.ones_like(batch.mask)
            errors["i"] = masked_absolute_error(outputs["i"], targets["i"], where)
        return errors

    def complete(self, observed, mask, *, samples=1, generator=None, whole=False):
        """Each sample sees other noise in the hole; with masks that are filled with 0 all of them are the same.

        whole: the generator's own output, which paints known pixels, too.
        """
        generator = generator or torch.Generator(mask.device).manual_seed(0)
        outputs = [self.generator(self.condition_when_trained(observed, mask, generator))["i"] for _ in range(samples)]
        return torch.stack([o if whole else concentrate(o, observed, mask) for o in outputs], dim=1)

    def annotate(self, observed, mask):
        """Parsing: the label of the highest map, int64 [B, H, W]; landmarks: the heatmaps' peaks, [B, 5, 2]."""
        outputs = self.generator(self.condition_when_trained(observed, mask))
        found = {}
        if "s" in outputs:
            found["parsing"] = outputs["s"].argmax(dim=1)
        if "d" in outputs:
            found["landmarks"] = peaks(outputs["d"])
        return found

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What transfer probes: the encoder's last maps, [B, 512] at width 64 and 128×128 pixels."""
        return self.generator.encode(self.condition_when_trained(observed, mask))[-1].flatten(1)

    def maps(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The last layer's maps that the tasks share, without those of the skip connection, figure 6."""
        return self.generator.trunk(self.condition_when_trained(observed, mask))[0].float()


METHOD = CollaGAN
