"""The forms in which data sets are distributed, one file per form."""

from typing import Annotated

from pydantic import Field

from inpaint_cli.data.sources.celeba import CelebASource
from inpaint_cli.data.sources.celebamask import CelebAMaskSource
from inpaint_cli.data.sources.cifar10 import CIFAR10Source
from inpaint_cli.data.sources.folder import FolderSource
from inpaint_cli.data.sources.helen import HelenSource
from inpaint_cli.data.sources.idx import IdxSource
from inpaint_cli.data.sources.lsun import LSUNSource
from inpaint_cli.data.sources.oxford102 import Oxford102Source
from inpaint_cli.data.sources.parquet import ParquetSource
from inpaint_cli.data.sources.photographs import PhotographsSource
from inpaint_cli.data.sources.recipe1m import Recipe1MSource
from inpaint_cli.data.sources.svhn import SVHNSource
from inpaint_cli.data.sources.svhn_boxes import SVHNBoxesSource
from inpaint_cli.data.sources.webdataset import WebDatasetSource

SOURCES = (
    CelebAMaskSource
    | CelebASource
    | CIFAR10Source
    | FolderSource
    | HelenSource
    | IdxSource
    | LSUNSource
    | Oxford102Source
    | ParquetSource
    | PhotographsSource
    | Recipe1MSource
    | SVHNBoxesSource
    | SVHNSource
    | WebDatasetSource
)
AnySource = Annotated[SOURCES, Field(discriminator="kind")]
