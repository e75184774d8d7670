"""What every source is: options in a recipe's `[source]` table, and a way to read a folder."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from inpaint_cli.data.rows import Reading
from inpaint_cli.errors import UsageError
from inpaint_cli.records.base import Line


def _stays_inside(name: str) -> str:
    if "/" in name or name in (".", ".."):
        raise ValueError("is part of a file's name, and leads to no other folder")
    return name


FileName = Annotated[Line, Field(min_length=1, max_length=200), AfterValidator(_stays_inside)]  # within the source


class Source(BaseModel):
    """`kind` names the subclass in the recipe; the other fields are its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    takes_archive: ClassVar[bool] = False  # whether --source may also be one archive
    where: ClassVar[str] = "get its original files from its owners, whom the recipe's terms name"

    @property
    def has_splits(self) -> bool:
        """False: the recipe's `splits` table must say."""
        return True

    def own_folder(self) -> Path | None:
        """Where the images are that the source brings along; None: --source names the folder."""
        return None

    def read(self, folder: Path) -> Reading:
        """Read the lists of the source; `InputError` names what is missing or damaged, and where."""
        raise NotImplementedError

    def download(self, folder: Path) -> None:
        """Fetch the original files into `folder`, which exists, in a form that `read` takes.

        Sources that can do so use torchvision's own readers; whatever those raise becomes one message. The others
        say `where` the files are to be had.
        """
        raise UsageError(
            f"--download: this program does not fetch sources of kind {self.kind}; {self.where},"
            " and name their folder by --source"
        )
