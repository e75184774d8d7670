"""What the tests of sources and recipes share: a recipe for small sets, and a way to prepare one."""

from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.recipes import load_recipe

DIGITS = """
name = "digits"
title = "Digits"
paper = "none"
sentence = "none"
terms = "none"
mode = "gray"
size = 32
crop = { kind = "square" }
source = { kind = "idx", validation = 4 }
"""


def prepare(name, source, output, **options):
    """Carry out a recipe; those of the house have no minimum here, since the sets that the tests write are small."""
    recipe, text = load_recipe(str(name))
    if not str(name).endswith(".toml"):
        recipe = recipe.model_copy(update={"minimum_rows": 1})
    return prepare_file(recipe.resized(options.pop("size", None)), text, source, output, **options)
