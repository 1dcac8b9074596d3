"""What an operator is told when something fails: one sentence and an exit code, in one place for all commands.

Errors of the tree carry both. The disk's own errors and those of Dagster's database, which lies beside the artifacts
and so meets a full disk too, become a sentence here. Anything else is a defect and keeps its traceback.
"""

from sqlalchemy.exc import DatabaseError

from octavia_dag.errors import OctaviaError

HANDLED = (OctaviaError, OSError, DatabaseError)


def told(error: OctaviaError | OSError | DatabaseError) -> tuple[str, int]:
    """The sentence, on one line, and the exit code."""
    if isinstance(error, OctaviaError):
        return one_line(str(error)), error.exit_code
    if isinstance(error, DatabaseError):
        cause = one_line(str(error.orig))
        return f"Dagster's database cannot be used ({cause}); make room on the disk or mend it, and run it again.", 1
    name = "" if error.filename is None else f" on {error.filename}"
    return f"The disk refused{name} ({one_line(error.strerror or str(error))}); mend that and run it again.", 1


def one_line(text: str) -> str:
    """`text` without its line ends."""
    return " ".join(text.split())
