"""The table that people correct: one row per line, and what of it they may change.

Everything in it is text, as a spreadsheet gives it back. Row numbers are those of the spreadsheet, whose first row
holds the names of the columns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from octavia_dag.schema import Correction, Line, TextEdit, TranslatedLine

COLUMNS = (
    "line", "speaker", "start", "end", "original", "translation", "length_ratio", "flags", "voice", "locked", "action",
)  # fmt: skip
# What is only told; a spreadsheet may write such a number in its own way.
TOLD = ("length_ratio", "flags")
DROP, MERGE, SPLIT = "drop", "merge", "split"
CUT = " | "


@dataclass(frozen=True)
class Row:
    """One row as it came back, stripped of space around each cell."""

    number: int
    line: str
    speaker: str
    start: str
    end: str
    original: str
    translation: str
    voice: str
    locked: str
    action: str


@dataclass(frozen=True)
class State:
    """What there is to correct. `texts` are today's translations by line, with what people gave laid over them.

    `edits` are the wordings that count; `speakers` those that a line can be given to; `voices` who has which voice now,
    `choices` the voices there are. No line may get longer than `longest_s`.
    """

    lines: Sequence[Line]
    texts: Mapping[str, TranslatedLine]
    edits: Mapping[str, TextEdit]
    speakers: Collection[str]
    names: Mapping[str, str]
    voices: Mapping[str, str]
    choices: Collection[str]
    longest_s: float

    def called(self, speaker: str) -> str:
        """The name by which a speaker is shown."""
        return self.names.get(speaker, speaker)

    def speaker_of(self, text: str) -> str | None:
        """The speaker that an id or a name means, None where there is none."""
        if text in self.speakers:
            return text
        return next((one for one in self.speakers if self.names.get(one) == text), None)


@dataclass(frozen=True)
class Refusal:
    """Why one row cannot be taken."""

    row: int
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}"


@dataclass(frozen=True)
class Changes:
    """What the good rows change. `texts` holds None where a line is the translator's again; `told` says it in words."""

    edits: tuple[Correction, ...] = ()
    names: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    texts: Mapping[str, TextEdit | None] = field(default_factory=dict[str, TextEdit | None])
    cast: Mapping[str, str] = field(default_factory=dict[str, str])
    told: tuple[str, ...] = ()


def table(state: State) -> list[dict[str, str | float]]:
    """The rows as they are handed out."""
    rows: list[dict[str, str | float]] = []
    for line in state.lines:
        text, edit = state.texts[line.id], state.edits.get(line.id)
        values = (
            line.id,
            state.called(line.speaker),
            line.start,
            line.end,
            line.text,
            text.text,
            text.length_ratio,
            "; ".join(dict.fromkeys((*line.flags, *text.flags))),
            state.voices.get(line.speaker, ""),
            "yes" if edit is not None and edit.locked else "no",
            "",
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows
