"""What a shell may complete: names that options take, each with a few words. Nothing that computes is imported."""

from collections.abc import Iterator
from pathlib import Path

Word = tuple[str, str]  # what is written, what it is


def methods() -> Iterator[Word]:
    """Every method."""
    from inpaint_cli.jobs.declared import declared
    from inpaint_cli.methods import method_names

    for name in method_names():
        yield name, declared(name).title


def trained() -> Iterator[Word]:
    """Methods that are trained."""
    yield from (word for word in methods() if _is_trained(word[0]))


def untrained() -> Iterator[Word]:
    """Methods that need no training."""
    yield from (word for word in methods() if not _is_trained(word[0]))


def of_photos() -> Iterator[Word]:
    """Methods that complete photos without a checkpoint."""
    from inpaint_cli.jobs.shipped import AUTO, FACES

    yield from untrained()
    yield AUTO, f"patch, and the model {FACES} for holes on faces"


def _is_trained(method: str) -> bool:
    from inpaint_cli.jobs.declared import declared

    return declared(method).defaults is not None


def settings(method: str | None) -> Iterator[Word]:
    """`NAME=` of a method's settings; nothing where it is not known which."""
    from inpaint_cli.jobs.declared import declared
    from inpaint_cli.methods import method_names

    if method in method_names():
        yield from ((f"{name}=", "") for name in declared(str(method)).settings)


def recipes() -> Iterator[Word]:
    """Those that come with the package."""
    from inpaint_cli.data.recipes import load_recipe, recipe_names

    for name in recipe_names():
        yield name, load_recipe(name)[0].title


def masks() -> Iterator[Word]:
    """Kinds of masks, up to their arguments."""
    from inpaint_cli.masks import KINDS

    for kind in KINDS.values():
        yield (f"{kind.name}:" if kind.arguments else kind.name), f"{kind.signature}: {kind.meaning}"


def photo_masks() -> Iterator[Word]:
    """What says itself which pixels of a photo are missing, beside mask files."""
    yield from (("alpha", "transparent pixels"), ("nan", "missing numbers"), ("auto:", "pixels of a colour"))
    yield from masks()


def metrics() -> Iterator[Word]:
    """Every metric, and the words for several."""
    from inpaint_cli.metrics import METRICS

    yield from (("default", "those that need neither weights nor labels"), ("all", ""))
    yield from ((name, metric.definition.partition(",")[0].partition(";")[0]) for name, metric in METRICS.items())


def tables() -> Iterator[Word]:
    """The papers' tables and figures."""
    from inpaint_cli.reports.published import load_table, table_names

    for name in table_names():
        table = load_table(name)
        yield name, f"{table.place}: {table.title}"


def topics() -> Iterator[Word]:
    """Of the guide."""
    from inpaint_cli.jobs.guide import topics as about

    yield from about().items()


def runs() -> Iterator[Word]:
    """Run directories here and two levels below."""
    from inpaint_cli.jobs.run_list import PLACES

    for place in PLACES:
        yield from ((str(path.parent), "a run") for path in sorted(Path().glob(place)))


def checkpoints() -> Iterator[Word]:
    """Runs, and models that come with the package."""
    from inpaint_cli.jobs.shipped import model_names

    yield from runs()
    yield from ((name, "a model that comes with inpaint") for name in model_names())


def targets() -> Iterator[Word]:
    """What `transfer` learns."""
    yield from ((name, "") for name in ("attributes", "landmarks", "labels"))
