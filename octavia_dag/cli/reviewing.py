"""What there is to review in one dub, and how corrections are kept.

Wordings, names and voices that were taken back show at once; corrections of the original only after the next run,
which makes the lines. Everything is kept under one lock, so that two imports never lose each other's rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from octavia_dag.assets.corrections import LINES, wordings_in
from octavia_dag.assets.engaging import engine_for
from octavia_dag.assets.step import current
from octavia_dag.dubbing.edits import with_added
from octavia_dag.dubbing.review import Changes, Row, State
from octavia_dag.dubbing.wordings import counting, with_wordings
from octavia_dag.errors import RefusedError
from octavia_dag.layers import Place, edit_layer, settings_of
from octavia_dag.resources import corrections as kept
from octavia_dag.resources.approvals import approve
from octavia_dag.resources.artifacts import Manifest
from octavia_dag.resources.engines import Synthesizer
from octavia_dag.resources.locks import locked
from octavia_dag.resources.memory import Approved
from octavia_dag.resources.tables import FIRST_ROW
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Approval, Casting, Corrections, SpeakerMap, TextEdits, Transcript, Translation
from octavia_dag.settings import Layer

PENDING = "Corrections of the original that were taken back since the last run show after the next one."


@dataclass(frozen=True)
class Desk:
    """One dub under review."""

    tools: Workshop
    video: str
    language: str

    @property
    def root(self) -> Path:
        """The store's folder."""
        return Path(self.tools.store.root)

    def state(self) -> State:
        """What there is to correct; a RefusedError where the translation is missing or older than its original."""
        transcript, made = (
            current(self.tools, name, self.video, self.language) for name in ("transcript", "translation")
        )
        if made.manifest.inputs["transcript"] != transcript.manifest.data_version:
            raise RefusedError(
                f"The translation of {self.video} into {self.language} is older than its original; "
                "dub it again, then export."
            )
        lines, translation = transcript.read(Transcript).lines, made.read(Translation)
        settings = settings_of(self.root, self.video, self.language)
        synthesizer = engine_for(self.tools, settings, Synthesizer, "synthesizer")
        edits = counting(kept.read_texts(self.tools.store, self.video, self.language).lines, lines)
        texts = with_wordings(
            translation.lines,
            lines,
            edits,
            language=self.language,
            voice=synthesizer.info().name,
            glossary=translation.wordings,
        )
        roles = current(self.tools, "casting", self.video, self.language).read(Casting).roles
        people = current(self.tools, "speaker_map", self.video, None).read(SpeakerMap).speakers
        return State(
            lines=lines,
            texts={one.id: one for one in texts},
            edits=edits,
            speakers={*(one.id for one in people), *(line.speaker for line in lines)},
            names=kept.read_corrections(self.tools.store, self.video).names,
            voices={**{role.speaker: role.voice.id for role in roles}, **settings.voices.cast},
            choices={voice.id for voice in synthesizer.voices(self.language)} or {role.voice.id for role in roles},
            longest_s=settings.transcription.line_max_s,
        )

    def pending(self) -> bool:
        """Whether corrections of the original were taken back that no run has made yet."""
        pointer = self.tools.store.pointer("transcript", self.video, None)
        wanted = [edit.model_dump(mode="json") for edit in self._corrections().edits]
        return pointer is not None and pointer.extras.get(LINES.name, []) != wanted

    def _wordings_pending(self, made: Manifest) -> bool:
        """Whether wordings were taken back that the translation `made` does not have yet."""
        lines = current(self.tools, "transcript", self.video, None).read(Transcript).lines
        wanted = counting(kept.read_texts(self.tools.store, self.video, self.language).lines, lines)
        return wanted != wordings_in(made.extras)

    def keep(self, changes: Changes, who: str) -> None:
        """Keeps what was changed; the settings first, since they may still be refused."""
        store = self.tools.store
        with locked(store, "corrections", self.video, None):
            if changes.cast:
                self._cast(changes.cast, who)
            before = self._corrections()
            names = {**before.names, **changes.names}
            kept.keep_corrections(
                store,
                self.video,
                Corrections(
                    edits=with_added(before.edits, changes.edits),
                    names={speaker: name for speaker, name in sorted(names.items()) if name},
                ),
            )
            texts = {**kept.read_texts(store, self.video, self.language).lines, **changes.texts}
            left = {line: text for line, text in sorted(texts.items()) if text is not None}
            kept.keep_texts(store, self.video, self.language, TextEdits(lines=left))
            kept.record_corrections(store, self.video, self.language, who=who, told=changes.told)

    def changes(self) -> list[str]:
        """What was corrected in this dub's tables, by whom and when."""
        rows = kept.recorded_corrections(self.tools.store, self.video, self.language)
        return [f"{row['when']}  {row['who']}  {row['change']}" for row in rows]

    def approve(self, who: str) -> Approval:
        """Approves the translation as it is now, and remembers its lines for other videos; a RefusedError if none."""
        made = current(self.tools, "translation", self.video, self.language)
        if self.pending() or self._wordings_pending(made.manifest):
            raise RefusedError(
                f"Approving {self.video} in {self.language}: corrections were taken back since its translation was "
                f"made; dub it again ('octavia dub'), then approve."
            )
        translation, lines = (
            made.read(Translation),
            current(self.tools, "transcript", self.video, None).read(Transcript),
        )
        originals = {line.id: line.text for line in lines.lines}
        self.tools.memory.remember(
            [
                Approved(
                    source=translation.source,
                    target=self.language,
                    text=originals[line.id],
                    translation=line.text,
                    video=self.video,
                    who=who,
                )
                for line in translation.lines
                if line.id in originals and line.text.strip()
            ]
        )
        return approve(self.tools.store, self.video, self.language, translation=made.manifest.data_version, who=who)

    def _cast(self, cast: Mapping[str, str], who: str) -> None:
        """A layer's cast replaces the one below it as a whole, so what holds so far is repeated in it."""
        place = Place(self.video, self.language)

        def edit(layer: Layer) -> Layer:
            whole = {**settings_of(self.root, self.video, self.language).voices.cast, **cast}
            return {**layer, "voices": {**layer.get("voices", {}), "cast": whole}}

        edit_layer(self.root, place, edit, who=who)

    def _corrections(self) -> Corrections:
        return kept.read_corrections(self.tools.store, self.video)


def rows_of(cells: Sequence[Mapping[str, str]]) -> list[Row]:
    """The rows of a table, numbered as its spreadsheet numbers them; rows without anything in them are passed over."""
    named = ("line", "speaker", "start", "end", "original", "translation", "voice", "locked")
    return [
        Row(number=number, **{name: row[name] for name in named}, action=row["action"].lower())
        for number, row in enumerate(cells, FIRST_ROW)
        if any(row.values())
    ]
