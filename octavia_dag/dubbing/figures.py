"""What the report measures before it judges: numbers alone, apart from limits, so that a limit can change alone."""

from octavia_dag.schema import Document, Span


class Gaps(Document):
    """Two sounds compared where nobody speaks, `seconds` in all. `silent` where the first has nothing there.

    Levels are those of the second, `width_change_db` the change of what sets its channels apart, over all that sounds;
    None where the first is mono there, or one of them holds nothing.
    """

    seconds: float
    silent: bool
    level_change_db: float | None = None
    level_dbfs: float = -120.0
    correlation: float | None = None
    width_change_db: float | None = None
    narrow: bool = True


class Makeup(Document):
    """How much of each known sound is in another one: 1 as it is, 0 nothing; None where that sound is silent.

    `echo` is how much of the voice is in it besides, at another time than its own.
    """

    speech: float | None
    bed: float | None
    voice: float | None
    echo: float | None = None


class LinePresence(Document):
    """Which share of a line's own sound is found at its place, and of its last quarter of a second; None where the line
    itself is silent, and for its end where somebody else speaks then.
    """

    id: str
    share: float | None
    end: float | None = None


class FileFigures(Document):
    """What was measured of the deliverable itself. `speech` is where somebody speaks in its first track.

    `same_picture` includes how it is turned when it is shown; `same_originals`: the tracks behind the dub are the
    source's own packets. `mixed_lufs` is the loudness of the dubbed speech as it was mixed; what became of it in the
    file, `makeup` tells.
    """

    same_picture: bool
    same_originals: bool
    seconds: float
    tracks: int
    channels: int
    default: bool
    language: str | None
    peak_dbtp: float | None
    lufs: float | None
    mixed_lufs: float | None
    speech: tuple[Span, ...]
    gaps: Gaps
    makeup: Makeup
    lines: tuple[LinePresence, ...]


class VoiceFigures(Document):
    """What was measured of the dub's voices: the two that resemble each other the most, lines nearer to another's.

    `compared` lines were judged; `judged` people have a class that could be heard. None where there was too little to
    compare.
    """

    nearest: float | None
    pair: str = ""
    compared: int
    strays: tuple[str, ...]
    judged: int
    other_class: tuple[str, ...]
    likeness: float | None
