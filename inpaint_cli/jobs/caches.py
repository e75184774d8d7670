"""Where the program keeps what it can make again."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder(given: Path | None = None) -> Path:
    """`--cache-dir`, else INPAINT_HOME, else the platform's cache directory."""
    return given or Path(os.environ.get("INPAINT_HOME") or user_cache_path("inpaint"))
