"""whisperx prints and logs on standard output, which belongs to the command: here it goes to the errors, or nowhere."""

import contextlib
import logging
import sys
from collections.abc import Generator


@contextlib.contextmanager
def whisperx_quiet() -> Generator[None]:
    """Around whatever imports whisperx or loads a model with it."""
    logger = logging.getLogger("whisperx")
    if not logger.handlers:  # with a handler there, it adds none of its own
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    with contextlib.redirect_stdout(sys.stderr):
        yield
