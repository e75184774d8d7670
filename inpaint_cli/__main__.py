"""`inpaint`, which `python -m inpaint_cli` is, too: it ends without a traceback from its first moment on."""

import os
import signal
from typing import Any


def _interrupted(number: int, frame: Any) -> None:
    os.write(2, b"inpaint: interrupted\n")
    os._exit(128 + number)


def main() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as of what runs behind a shell's script
        signal.signal(signal.SIGINT, _interrupted)  # until a command begins, which listens in its own way
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a cluster's warning: who trains listens, and nobody else ends by it
    from inpaint_cli.cli.main import main as program

    program()


if __name__ == "__main__":
    main()
