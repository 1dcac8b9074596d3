"""Glossaries are CSV files that anybody may edit in a spreadsheet, one for all videos and one per video.

    STORE/glossary.csv                  the catalogue's
    STORE/videos/VIDEO/glossary.csv     one video's

    term,language,translation,case,do-not-translate

An empty language means every language. `case` yes: only as it is written. `do-not-translate` yes: the term stands in
the dub as it is. Of two entries for one term, one for the language wins over one for all languages, and among equals
the video's over the catalogue's. A row that cannot be used refuses the whole file: a term that is silently left out
would be missed only in the finished dub.
"""

import io
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from octavia_dag.errors import SettingsError
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.schema import Document, Term
from octavia_dag.settings import Tag

GLOSSARY = "glossary.csv"
COLUMNS = ("term", "language", "translation", "case", "do-not-translate")
_SWITCH = {"": False, "no": False, "yes": True}
_TAG: TypeAdapter[str] = TypeAdapter(Tag)


class Entry(Document):
    """One row. `language` None: every language; `video` None: it is the catalogue's."""

    term: Term
    language: str | None
    video: str | None = None

    def serves(self, language: str) -> bool:
        """Whether it counts for dubs into `language`."""
        return self.language in (None, language)


def glossary_file(root: Path, video: str | None) -> Path:
    """Where a glossary lies, the catalogue's where no video is named; it may be absent."""
    return (root / "videos" / video if video else root) / GLOSSARY


def entries(root: Path, video: str | None) -> tuple[Entry, ...]:
    """The entries of one file, none where there is no file; a SettingsError names the row that cannot be used."""
    path = glossary_file(root, video)
    with guarded(f"Reading the glossary {path}"):
        try:
            told = path.stat()
        except FileNotFoundError:
            return ()
        return _entries(path, video, told.st_ino, told.st_mtime_ns, told.st_size)


def effective_entries(root: Path, video: str | None, language: str) -> tuple[Entry, ...]:
    """What counts for a dub into `language`, one entry per term."""
    rows = [*(entries(root, video) if video else ()), *entries(root, None)]
    serving = [row for row in rows if row.serves(language)]
    return _strongest(sorted(serving, key=lambda row: row.language is None))


def replace_glossary(root: Path, video: str | None, content: bytes, name: str) -> tuple[Entry, ...]:
    """Makes `content`, the bytes of the file `name`, the glossary, whole or not at all; returns its entries."""
    found = parse(content, name, video)
    path = glossary_file(root, video)
    with guarded(f"Writing the glossary {path}"):
        write_atomically(path, content)
    return found


def parse(content: bytes, name: str, video: str | None = None) -> tuple[Entry, ...]:
    """The entries of a CSV file; `name` is what a SettingsError calls it."""
    found: dict[tuple[str, str | None], int] = {}
    made: list[Entry] = []
    for number, row in enumerate(_rows(content, name), start=2):
        if not any(row.values()):
            continue
        where = f"Reading the glossary {name}: row {number}"
        entry = _entry(row, where)
        first = found.setdefault((entry.term.term, entry.language), number)
        if first != number:
            raise SettingsError(f"{where} repeats the term {entry.term.term!r} of row {first}; delete one of the two.")
        made.append(entry.model_copy(update={"video": video}))
    return tuple(made)


@lru_cache(maxsize=256)
def _entries(path: Path, video: str | None, inode: int, changed_ns: int, size: int) -> tuple[Entry, ...]:
    """Read once per change of the file: a plan over many dubs asks for the catalogue's again and again."""
    return parse(path.read_bytes(), str(path), video)


def _strongest(ordered: Iterable[Entry]) -> tuple[Entry, ...]:
    """The first of each term. Where case does not count, spellings that differ in case only are one term."""
    kept: dict[str, Entry] = {}
    either: set[str] = set()
    for entry in ordered:
        term, folded = entry.term, entry.term.term.casefold()
        if term.term in kept or (not term.match_case and folded in either):
            continue
        kept[term.term] = entry
        either |= set() if term.match_case else {folded}
    return tuple(kept[name] for name in sorted(kept))


def _rows(content: bytes, name: str) -> list[dict[str, str]]:
    """The cells of every row by column, an empty line as a row of empty cells so that rows keep their numbers."""
    import pandas as pd

    mend = f"it must begin with the line {','.join(COLUMNS)} and have one entry a row; mend the file."
    try:
        frame = pd.read_csv(
            io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        cause = " ".join(str(error).split())
        raise SettingsError(f"Reading the glossary {name}: it is not a CSV table ({cause}); {mend}") from error
    columns = [str(column).strip().lower() for column in frame.columns]
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or "term" not in columns or not isinstance(frame.index, pd.RangeIndex):
        wrong = f"there is no column {unknown[0]!r}" if unknown else "a column is missing, or a row is too long"
        raise SettingsError(f"Reading the glossary {name}: {wrong}; {mend}")
    cells: list[list[Any]] = frame.fillna("").to_numpy().tolist()
    empty = dict.fromkeys(COLUMNS, "")
    return [empty | dict(zip(columns, (str(cell).strip() for cell in row), strict=True)) for row in cells]


def _entry(row: Mapping[str, str], where: str) -> Entry:
    term, wording = row["term"], row["translation"]
    kept = _switch(row, "do-not-translate", where)
    match_case = _switch(row, "case", where)
    if not term:
        raise SettingsError(f"{where} has no term; name one, or delete the row.")
    if not kept and not wording:
        raise SettingsError(f"{where} has no translation of {term!r}; give one, or put yes under do-not-translate.")
    if kept and wording not in ("", term):
        raise SettingsError(f"{where} translates {term!r} and says do-not-translate; empty one of the two.")
    return Entry(
        term=Term(term=term, wording=term if kept else wording, match_case=match_case),
        language=_language(row["language"], where),
    )


def _switch(row: Mapping[str, str], column: str, where: str) -> bool:
    value = row[column].lower()
    if value not in _SWITCH:
        raise SettingsError(f"{where} has {row[column]!r} under {column}; write yes or no, or leave it empty.")
    return _SWITCH[value]


def _language(tag: str, where: str) -> str | None:
    if not tag:
        return None
    try:
        return _TAG.validate_python(tag)
    except ValidationError as error:
        cause = str(error.errors()[0].get("ctx", {}).get("error", "it is no language")).rstrip(".")
        raise SettingsError(
            f"{where} is for another language ({cause}); name one of those, or leave it empty."
        ) from error
