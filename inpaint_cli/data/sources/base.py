"""What every source is: options in a recipe's `[source]` table, and a way to read a folder."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from inpaint_cli.data.rows import Reading


class Source(BaseModel):
    """`kind` names the subclass in the recipe; the other fields are its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    needs_folder: ClassVar[bool] = True
    has_splits: ClassVar[bool] = True  # False: the recipe's `splits` table must say

    def read(self, folder: Path | None) -> Reading:
        """Read the lists of the source; `InputError` names what is missing or damaged, and where."""
        raise NotImplementedError
