"""What is to be put into the storage of one dub, judged by what there is and what was put there last.

A dub that keeps its promises is delivered, one that breaks any is held, and where the latest attempt failed the
sentence is told. Everything is judged by content and by run, never by time: whoever repeats a tick comes to the same.
When what could not be put there is tried again is a matter of time alone.
"""

from dataclasses import dataclass
from typing import Literal

from octavia_dag.schema import Handed

Action = Literal["deliver", "hold", "fail", "clear"]
# How long after the first, second ... asking the next one comes.
AGAIN_S = (15.0, 60.0, 300.0, 1800.0)


@dataclass(frozen=True)
class Found:
    """One dub: the hash of what is finished, why it may not be delivered, the run that failed last; "" where none.

    There is no `failed` where a later attempt is at work, or succeeded.
    """

    content: str = ""
    broken: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class Asked:
    """A video under its mark, as earlier ticks asked for it: how often in a row, and when last."""

    mark: str
    tries: int
    when: float


def waits(asked: Asked | None, mark: str, now: float) -> bool:
    """Whether a video that was asked for in vain is not asked for yet; one that has changed since never waits."""
    if asked is None or asked.mark != mark:
        return False
    return 0.0 <= now - asked.when < AGAIN_S[min(asked.tries, len(AGAIN_S)) - 1]


def once_more(asked: Asked | None, mark: str, now: float) -> Asked:
    """The same when it is asked for now."""
    return Asked(mark, asked.tries + 1 if asked is not None and asked.mark == mark else 1, now)


def decide(found: Found, handed: Handed | None, storage: str = "") -> Action | None:
    """What to do now; None where all is there. What is finished comes before a failure.

    What was put into another storage than `storage` is not there.
    """
    elsewhere = handed is not None and handed.storage not in ("", storage)
    before = Handed(state="failed") if handed is None or elsewhere else handed
    if found.content and found.content != before.content:
        return "hold" if found.broken else "deliver"
    if found.failed and found.failed != before.failed:
        return "fail"
    return "clear" if before.failed and not found.failed and found.content else None


def after(action: Action, found: Found, handed: Handed | None, storage: str = "") -> Handed:
    """What is noted when `action` is done."""
    content = handed.content if handed and handed.storage in ("", storage) else ""
    match action:
        case "deliver":
            return Handed(state="delivered", content=found.content, storage=storage)
        case "hold":
            return Handed(state="held", content=found.content, storage=storage)
        case "fail":
            return Handed(state="failed", content=content, failed=found.failed, storage=storage)
        case "clear":
            return Handed(state="held" if found.broken else "delivered", content=content, storage=storage)
