"""What every source is: options in a recipe's `[source]` table, and a way to read a folder."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from inpaint_cli.data.rows import Reading
from inpaint_cli.errors import UsageError


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
