"""Which rows of a catalogue a night takes: those with work, the highest priority first, as far as the budget goes.

Of equal priority the earliest deadline comes first, a row without one last, and then the order of the catalogue. The
first row that no longer fits ends the night: a smaller one behind it would otherwise be made night after night before a
long one that matters more. A row that is more than a whole night's budget can never fit, so it is passed over and said.
What a row costs is asked only of rows that may still be taken, since it may mean to fetch and measure a file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal[
    "missing", "stale", "failed", "given up", "at work", "waiting", "held", "unusable", "unreachable", "done"
]
WORK = ("missing", "stale", "failed")


@dataclass(frozen=True)
class Candidate:
    """One row as a night sees it. `why` is the cause of its state, in words."""

    row: int
    state: State
    priority: float = 0.0
    deadline: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Cost:
    """What a row takes of a budget: minutes of video, once per language, and money; None: nothing is known of it."""

    minutes: float
    money: float | None = None

    def __add__(self, other: "Cost") -> "Cost":
        known = self.money is not None and other.money is not None
        return Cost(self.minutes + other.minutes, (self.money or 0.0) + (other.money or 0.0) if known else None)


@dataclass(frozen=True)
class Budget:
    """What a night may take; None: without a limit. Where both are given, both hold."""

    minutes: float | None = None
    money: float | None = None

    def excess(self, cost: Cost) -> str | None:
        """What `cost` is too much of, in words; None where it fits."""
        if self.minutes is not None and cost.minutes > self.minutes + _ROUNDING:
            return f"{spelled(cost.minutes)} minutes of {spelled(self.minutes)}"
        if self.money is not None and (cost.money or 0.0) > self.money + _ROUNDING:
            return f"{cost.money or 0.0:.2f} of {self.money:.2f} in money"
        return None


_ROUNDING = 1e-6
_FEW = 10.0


def spelled(minutes: float) -> str:
    """Minutes with two decimals where they are few, since a clip has only tenths of one."""
    return f"{minutes:.1f}" if minutes >= _FEW else f"{minutes:.2f}"


@dataclass(frozen=True)
class Taken:
    """A row that the night makes, and what it costs."""

    row: int
    cost: Cost


@dataclass(frozen=True)
class Left:
    """A row that the night leaves, and why, in words."""

    row: int
    state: State
    why: str


@dataclass(frozen=True)
class Choice:
    """What a night takes, in the order in which it is to be made, and what it leaves, in the same order."""

    taken: tuple[Taken, ...]
    left: tuple[Left, ...]

    @property
    def cost(self) -> Cost:
        """What all that is taken costs."""
        total = Cost(0.0, 0.0)
        for one in self.taken:
            total += one.cost
        return total


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The rows in the order in which nights take them."""

    def urgency(one: Candidate) -> tuple[float, bool, float, int]:
        return (-one.priority, one.deadline is None, one.deadline.timestamp() if one.deadline else 0.0, one.row)

    return sorted(candidates, key=urgency)


def choose(
    candidates: Iterable[Candidate],
    budget: Budget,
    cost_of: Callable[[Candidate], Cost | Left],
    spent: Cost | None = None,
) -> Choice:
    """What a night takes of `candidates`, of which it has taken `spent` already.

    `cost_of` may answer that the row cannot be made, and why. Where money is limited and no cost in money is known, one
    row is taken alone: from it the pace is learned.
    """
    taken: list[Taken] = []
    left: list[Left] = []
    total, over = spent or Cost(0.0, 0.0), ""
    for one in ordered(candidates):
        if one.state not in WORK:
            left.append(Left(one.row, one.state, one.why))
            continue
        told = Left(one.row, one.state, over) if over else cost_of(one)
        if isinstance(told, Left):
            left.append(told)
            continue
        alone, together = budget.excess(told), budget.excess(total + told)
        if alone:
            left.append(Left(one.row, one.state, f"It takes more than a whole night's budget: {alone}."))
        elif together or (budget.money is not None and total.money is None):
            over = f"The night's budget is spent at row {one.row}: it would take {together or 'an unknown amount'}."
            left.append(Left(one.row, one.state, over))
        else:
            taken.append(Taken(one.row, told))
            total += told
            if budget.money is not None and told.money is None:
                over = f"Row {one.row} is made first and alone: what it takes tells what the others cost in money."
    return Choice(tuple(taken), tuple(left))
