"""Before a training: that a method which learns from observations sees nothing else, and another no observations."""

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.observing import check_observations, refuse_peeking
from inpaint_cli.engine.plan import Plan
from inpaint_cli.errors import InputError, printable
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.method import Method
from inpaint_cli.methods import method_class, method_names


def process_of(prepared: PreparedFile) -> str | None:
    """What hid the pixels that a file of observations lacks, as masks to be drawn anew; None for complete images."""
    if prepared.observed is None:
        return None
    process = parse_masks(prepared.observed)
    rest = process.without_files
    return process.spec if rest is not None and rest.spec == process.spec else "stored"


def checked(name: str, method: Method, prepared: PreparedFile, masks: MaskProcess, plan: Plan) -> list[str]:
    """Refuse what would show a method more than it may see, or data that shows less than it needs; notes on masks."""
    if prepared.observed is not None and not method.learns_from_observations:
        able = [other for other in method_names() if method_class(other).learns_from_observations]
        raise InputError(
            f"{printable(prepared.path)} holds observations alone (prepared with --observe {prepared.observed}), and "
            f"{name} as it is set needs complete images; {' and '.join(able)} learn from observations"
        )
    refuse_peeking(name, method, plan)
    return check_observations(name, method, prepared.split("train"), masks, plan)
