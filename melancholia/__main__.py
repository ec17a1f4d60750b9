"""The command line as a process of its own: interrupts are watched from the first moment on."""

import os
import sys
import warnings

from melancholia import interrupts


def main() -> None:
    """Run the command line and exit with its code, at once.

    The interpreter is not taken down: that takes half a second behind numba and scipy, and puts signals back to what
    kills without a word.
    """
    interrupts.watch()
    warnings.filterwarnings("ignore", "resource_tracker")  # a hangup ends it, too, and that is not worth a word
    if "--debug" not in sys.argv:
        keep_stderr_to_ourselves()
    from melancholia.cli import run
    from melancholia.cli.completion import complete

    complete()
    code = run()
    interrupts.last_word()
    os._exit(code)


def keep_stderr_to_ourselves() -> None:
    """Libraries in C, libmpg123 above all, talk to whoever listens on file 2: from now on nobody, we have our own."""
    try:
        ours = os.dup(2)
        sys.stderr = open(ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")  # noqa: SIM115
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    except (OSError, AttributeError):
        pass


if __name__ == "__main__":  # processes that listen side by side import this module too
    main()
