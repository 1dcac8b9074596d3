"""Who says a line, as a table tells it: the same cell gives a line to somebody else or gives somebody a name.

A known id or name reassigns the row. Anything else is a new name, and is taken for one only where all rows of the
speaker have it: a typing error in one row must not make a person.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from octavia_dag.dubbing.review import Refusal, Row, State


@dataclass(frozen=True)
class Spoken:
    """The speaker of every row by line, and the names given; None takes a name away."""

    by: dict[str, str]
    names: dict[str, str | None]


def spoken(rows: Sequence[Row], state: State) -> tuple[Spoken, list[Refusal]]:
    """Who speaks each row, and which rows name nobody."""
    before = {line.id: line.speaker for line in state.lines}
    lines = Counter(before.values())
    result, refused = Spoken(dict(before), {}), list[Refusal]()
    for speaker in sorted(set(before.values())):
        own = [row for row in rows if before[row.line] == speaker]
        wanted = {row.speaker for row in own}
        if own and wanted == {speaker} and speaker in state.names:
            result.names[speaker] = None
        elif len(wanted) == 1 and all(wanted) and state.speaker_of(*wanted) is None and len(own) == lines[speaker]:
            result.names[speaker] = wanted.pop()
        else:
            refused += _reassigned(own, state, result)
    return result, refused + _same_names(rows, before, result)


def _reassigned(rows: Sequence[Row], state: State, result: Spoken) -> list[Refusal]:
    refused: list[Refusal] = []
    for row in rows:
        speaker = state.speaker_of(row.speaker)
        if speaker is None:
            known = ", ".join(state.called(one) for one in sorted(state.speakers))
            refused.append(
                Refusal(
                    row.number,
                    f"there is no speaker {row.speaker!r}; the speakers are {known}. To rename one, change all their "
                    "rows to the same new name",
                )
            )
        else:
            result.by[row.line] = speaker
    return refused


def _same_names(rows: Sequence[Row], before: dict[str, str], result: Spoken) -> list[Refusal]:
    """Two people cannot be given one name: nobody could tell them apart in the next table."""
    refused: list[Refusal] = []
    for speaker, name in list(result.names.items()):
        twice = name is not None and list(result.names.values()).count(name) > 1
        if twice:
            refused += [
                Refusal(row.number, f"two speakers cannot both be called {name!r}; give each a name of their own")
                for row in rows
                if before[row.line] == speaker
            ]
    return refused
