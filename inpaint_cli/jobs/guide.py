"""The guide that comes with the package: one Markdown file for each topic."""

from importlib.resources import files

from inpaint_cli.errors import UsageError, unknown

FOLDER = files("inpaint_cli") / "guide"
SUFFIX = ".md"


def topics() -> dict[str, str]:
    """Each topic by name, with what it is about: its heading behind the colon."""
    names = sorted(file.name.removesuffix(SUFFIX) for file in FOLDER.iterdir() if file.name.endswith(SUFFIX))
    return {name: guide(name).split("\n", 1)[0].partition(": ")[2] for name in names}


def guide(topic: str) -> str:
    """A topic's Markdown. `UsageError`, with the nearest name, where there is none."""
    file = FOLDER / f"{topic}{SUFFIX}"
    if "/" in topic or not file.is_file():
        raise UsageError(unknown("topic", topic, topics()))
    return file.read_text(encoding="utf-8")
