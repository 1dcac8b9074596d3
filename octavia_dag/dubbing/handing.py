"""What is to be put into the storage of one dub, judged by what there is and what was put there last.

A dub that keeps its promises is delivered, one that breaks any is held, and where the latest attempt failed the
sentence is told. Everything is judged by content and by run, never by time: whoever repeats a tick comes to the same.
"""

from dataclasses import dataclass
from typing import Literal

from octavia_dag.schema import Handed

Action = Literal["deliver", "hold", "fail", "clear"]


@dataclass(frozen=True)
class Found:
    """One dub: the hash of what is finished, why it may not be delivered, the run that failed last; "" where none.

    There is no `failed` where a later attempt is at work, or succeeded.
    """

    content: str = ""
    broken: tuple[str, ...] = ()
    failed: str = ""


def decide(found: Found, handed: Handed | None) -> Action | None:
    """What to do now; None where all is there. What is finished comes before a failure."""
    before = handed or Handed(state="failed")
    if found.content and found.content != before.content:
        return "hold" if found.broken else "deliver"
    if found.failed and found.failed != before.failed:
        return "fail"
    return "clear" if before.failed and not found.failed and found.content else None


def after(action: Action, found: Found, handed: Handed | None) -> Handed:
    """What is noted when `action` is done."""
    content = handed.content if handed else ""
    match action:
        case "deliver":
            return Handed(state="delivered", content=found.content)
        case "hold":
            return Handed(state="held", content=found.content)
        case "fail":
            return Handed(state="failed", content=content, failed=found.failed)
        case "clear":
            return Handed(state="held" if found.broken else "delivered", content=content)
