"""What a row may not say, each rule a sentence, so that a person can mend all rows at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from octavia_dag.dubbing.edits import merged
from octavia_dag.dubbing.review import CUT, DROP, MERGE, SPLIT, Refusal, Row, State
from octavia_dag.schema import Line

_ROUNDING_S = 0.0006  # a spreadsheet may round a time to the millisecond that it shows


def refused_rows(rows: Sequence[Row], state: State) -> list[Refusal]:
    """What each row alone may not say."""
    lines = {line.id: line for line in state.lines}
    often = Counter(row.line for row in rows)
    found: list[Refusal] = []
    for row in rows:
        line = lines.get(row.line)
        if line is None:
            found.append(Refusal(row.number, f"there is no line {row.line!r} now; export the table again"))
        elif often[row.line] > 1:
            found.append(Refusal(row.number, f"line {row.line} has {often[row.line]} rows; keep one"))
        else:
            found += [Refusal(row.number, reason) for reason in (*_cells(row, line), *_cuts(row))]
    return found


def refused_voices(rows: Sequence[Row], state: State, by: Mapping[str, str]) -> list[Refusal]:
    """Unknown voices, and speakers that would get two; `by` is who speaks each line."""
    before = {line.id: state.voices.get(line.speaker, "") for line in state.lines}
    changed = [row for row in rows if row.voice != before[row.line]]
    wanted: dict[str, set[str]] = {}
    for row in changed:
        wanted.setdefault(by[row.line], set()).add(row.voice)
    found: list[Refusal] = []
    for row in changed:
        speaker = by[row.line]
        if row.voice not in state.choices:
            some = ", ".join(sorted(state.choices)) or "none"
            found.append(
                Refusal(row.number, f"there is no voice {row.voice!r} in this language; the voices are {some}")
            )
        elif len(wanted[speaker]) > 1:
            both = " and ".join(sorted(repr(voice) for voice in wanted[speaker]))
            found.append(Refusal(row.number, f"speaker {state.called(speaker)} is given the voices {both}; choose one"))
    return found


def refused_merges(rows: Sequence[Row], state: State, by: Mapping[str, str]) -> list[Refusal]:
    """Merges without a fitting next row, and longer than a line may be; `rows` are all of the table."""
    order = [line.id for line in state.lines]
    following = dict(pairwise(order))
    found: list[Refusal] = []
    for place, row in enumerate(rows):
        if row.action == MERGE and row.line in by:
            after = rows[place + 1] if place + 1 < len(rows) else None
            reason = _merge(row, after, following, by)
            found += [Refusal(row.number, reason)] if reason else []
    return found + _too_long(rows, state)


def refused_drops(rows: Sequence[Row], state: State) -> list[Refusal]:
    """A dub in which nobody says anything is none."""
    dropped = [row for row in rows if row.action == DROP]
    if {row.line for row in dropped} < {line.id for line in state.lines}:
        return []
    return [Refusal(row.number, "every line would be dropped, and nothing be left to dub; keep one") for row in dropped]


def _cells(row: Row, line: Line) -> Iterator[str]:
    for name, value, wanted in (("start", row.start, line.start), ("end", row.end, line.end)):
        if not _same_time(value, wanted):
            yield f"{name} was changed from {wanted} to {value!r}; times cannot be edited, they come from the words"
    if row.locked.lower() not in ("yes", "no"):
        yield f"locked is {row.locked!r}; write yes or no"
    if row.action not in ("", DROP, MERGE, SPLIT):
        yield f"action is {row.action!r}; write {DROP}, {MERGE}, {SPLIT} or nothing"
    for name, value in (("original", row.original), ("translation", row.translation)):
        if not any(letter.isalnum() for letter in value):
            yield f"{name} has no words; write {DROP} as the action to leave the line out"


def _cuts(row: Row) -> Iterator[str]:
    for name, value in (("original", row.original), ("translation", row.translation)):
        count = value.count(CUT)
        if row.action == SPLIT and count != 1:
            yield f"{name} has {count} cuts; a split needs exactly one ' | ' in each text"
        elif row.action == SPLIT and not all(any(c.isalnum() for c in half) for half in value.split(CUT)):
            yield f"{name} has no words on one side of the cut"
        elif row.action != SPLIT and count:
            yield f"{name} has a cut ' | ', but the action is not {SPLIT}"


def _merge(row: Row, after: Row | None, following: Mapping[str, str], by: Mapping[str, str]) -> str:
    if after is None or following.get(row.line) != after.line:
        return "the next row is not the line that follows, so there is nothing to merge with"
    if after.action in (DROP, SPLIT):
        return (
            f"it cannot be merged with row {after.number}, which has the action {after.action}; do one after the other"
        )
    if by[row.line] != by[after.line]:
        return f"it cannot be merged with row {after.number}, which another speaker says; give both the same speaker"
    return ""


def _too_long(rows: Sequence[Row], state: State) -> list[Refusal]:
    lines = {line.id: line for line in state.lines}
    found: list[Refusal] = []
    for chain in chains(rows):
        if any(row.line not in lines for row in chain):
            continue
        whole = lines[chain[0].line]
        for row in chain[1:]:
            whole = merged(whole, lines[row.line])
        if len(chain) > 1 and whole.seconds > state.longest_s:
            reason = f"the merged line would last {whole.seconds:.1f} s, more than a line may ({state.longest_s:g} s)"
            found += [Refusal(row.number, reason) for row in chain[:-1]]
    return found


def chains(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that become one line together, most of them alone."""
    found: list[list[Row]] = []
    for place, row in enumerate(rows):
        if place and rows[place - 1].action == MERGE:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _same_time(text: str, wanted: float) -> bool:
    try:
        return abs(float(text.replace(",", ".")) - wanted) < _ROUNDING_S
    except ValueError:
        return False
