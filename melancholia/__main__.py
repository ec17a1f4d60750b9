"""The command line as a process of its own: interrupts are watched from the first moment on."""

import os
import sys

from melancholia import interrupts


def main() -> None:
    """Run the command line and exit with its code, at once.

    The interpreter is not taken down: that takes half a second behind numba and scipy, and puts signals back to what
    kills without a word.
    """
    interrupts.watch()
    from melancholia.cli import run

    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads on, or it is closed
        code = code or 1
    interrupts.last_word()
    os._exit(code)


if __name__ == "__main__":  # processes that listen side by side import this module too
    main()
