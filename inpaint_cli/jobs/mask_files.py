"""Masks as a job takes them: a specification is understood, and the files that it names are read."""

from inpaint_cli.jobs.audience import Audience
from inpaint_cli.masks import MaskProcess, parse_masks


def masks_of(spec: str, audience: Audience) -> MaskProcess:
    """The process; the folders that it names are read now, and what is to be known of them becomes notes."""
    process = parse_masks(spec)
    for folder in process.folders:
        with audience.progress(f"reading {folder.path}") as advance:
            folder.contents.read(advance)
        for note in folder.contents.notes:
            audience.note(note)
    return process


def which_masks(process: MaskProcess) -> list[str]:
    """What results say of masks from folders, whose specification does not say all."""
    return [
        f"masks {folder}: {len(folder.contents.masks):,}, digest {folder.contents.digest[:16]}"
        for folder in process.folders
    ]
