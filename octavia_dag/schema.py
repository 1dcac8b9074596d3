"""The documents that pass between steps: frozen, typed, small, and free of audio.

Times are seconds from the start of the programme (the presented timeline of the chosen audio track), rounded
to a millisecond so that equal outcomes hash equally. Levels are dB or LUFS as the field says. A document never
holds samples: sound lies beside it in a file named by the document.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Seconds = Annotated[float, AfterValidator(lambda value: round(float(value), 3))]
Ratio = Annotated[float, AfterValidator(lambda value: round(float(value), 4))]
Decibel = Annotated[float, AfterValidator(lambda value: round(float(value), 2))]
VoiceClass = Literal["female", "male"]


class Document(BaseModel):
    """Base of every document: immutable, and no field beyond the declared ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Document):
    """A stretch of time, `start` < `end`."""

    start: Seconds
    end: Seconds

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


# --- source ------------------------------------------------------------------------------------------------


class VideoTrack(Document):
    """The picture as ffprobe tells it. `start` is its first presented time on the programme's timeline.

    `seconds` is its presented length, from packet times; `rotation` is clockwise, in degrees.
    """

    index: int
    codec: str
    width: int
    height: int
    frame_rate: float
    variable_frame_rate: bool
    rotation: int = 0
    start: Seconds = 0.0
    seconds: Seconds


class AudioTrack(Document):
    """One audio stream. `start` is its first presented time on the programme's timeline."""

    index: int
    codec: str
    rate: int
    channels: int
    layout: str
    language: str | None = None
    title: str | None = None
    default: bool = False
    start: Seconds = 0.0
    seconds: Seconds


class SubtitleTrack(Document):
    """One subtitle stream of the source; it is copied where the container can hold it."""

    index: int
    codec: str
    language: str | None = None


class SourceVideo(Document):
    """Probe and pre-analysis of one video.

    `seconds` is the length of picture and sound remuxed alone by stream copy, which is what the deliverable is
    held to; `header_seconds` is what the container's header claims. `origin_s` is the programme's beginning on the
    file's own clock (unrounded: a remux must shift by exactly this). `track` is the index within `audio` of the
    track that is dubbed, None when there is no sound. `language`, `speakers_hint` and `music_score` come from
    the first 2 minutes that hold speech; language is None when nobody speaks.
    """

    sha256: str
    name: str
    container: str
    size: int
    seconds: Seconds
    header_seconds: Seconds
    origin_s: float = 0.0
    video: VideoTrack | None
    audio: tuple[AudioTrack, ...]
    subtitles: tuple[SubtitleTrack, ...]
    chapters: int = 0
    track: int | None
    language: str | None
    language_confidence: Ratio = 0.0
    speakers_hint: int = 0
    music_score: Ratio = 0.0
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> AudioTrack | None:
        """The audio track that is dubbed."""
        return None if self.track is None else self.audio[self.track]


# --- analysis ----------------------------------------------------------------------------------------------


class Stems(Document):
    """Two sounds that add up to the source: `clean_vocals` and `bgm_full`, FLAC, 16 bit.

    Both have the source's rate, channels and length, so vocals + background = source sample by sample. With no
    audio stream `frames` is 0 and the files are None.
    """

    rate: int
    channels: int
    frames: int
    clean_vocals: str | None
    bgm_full: str | None
    notes: tuple[str, ...] = ()


class Word(Span):
    """A word as heard; `confidence` is the transcriber's probability, 0 to 1."""

    text: str
    confidence: Ratio = 1.0


class Chunk(Span):
    """A stretch of 6 to 12 s where speech allows, cut at silences, ended at sentence ends where possible."""

    text: str
    words: tuple[Word, ...] = ()


class Chunks(Document):
    """Speech regions (VAD), the chunks packed from them, and what the fast pass heard in them.

    `dropped` says in words which heard segments were refused as hallucination and why.
    """

    language: str | None
    regions: tuple[Span, ...]
    chunks: tuple[Chunk, ...]
    dropped: tuple[str, ...] = ()


class Turn(Span):
    """A diarization turn: one speaker, one stretch."""

    speaker: str


class Speaker(Document):
    """One person of the video: `A` talks first."""

    id: str
    talk_seconds: Seconds
    turns: int
    main: bool = False


class SpeakerMap(Document):
    """Who speaks when. Turns may overlap; `overlaps` lists where two people speak at once."""

    turns: tuple[Turn, ...]
    speakers: tuple[Speaker, ...]
    overlaps: tuple[Span, ...] = ()


class Line(Span):
    """The unit of translation, synthesis, review and repair: one speaker, at most 12 s."""

    id: str
    speaker: str
    text: str
    words: tuple[Word, ...] = ()
    confidence: Ratio = 1.0
    flags: tuple[str, ...] = ()


class Verdict(Document):
    """The outcome of the blocking check on the transcript; `reasons` say what is wrong and what to do."""

    ok: bool
    reasons: tuple[str, ...] = ()


class Transcript(Document):
    """The lines of the original, in order of their start, with the check's verdict.

    `programme_seconds` is the programme's length, which ends the last line's room; 0 where there is no sound. `notes`
    say which corrections found no line to be made on.
    """

    language: str | None
    programme_seconds: Seconds = 0.0
    lines: tuple[Line, ...]
    verdict: Verdict = Verdict(ok=True)
    notes: tuple[str, ...] = ()


# --- corrections -------------------------------------------------------------------------------------------


class KnownSpan(Span):
    """A stretch of time that was a line once, and the id of that line."""

    id: str


class LineIds(Document):
    """Every stretch of one video that was ever a line, the oldest first."""

    seen: tuple[KnownSpan, ...] = ()


class Reassigned(Document):
    """A line is said by another speaker."""

    action: Literal["speaker"] = "speaker"
    line: str
    speaker: str


class Reworded(Document):
    """What was heard is put right."""

    action: Literal["text"] = "text"
    line: str
    text: str


class Merged(Document):
    """A line and the one that follows it, `other`, are one."""

    action: Literal["merge"] = "merge"
    line: str
    other: str


class Split(Document):
    """A line is two: the second begins with `word`, which has `at` words before it."""

    action: Literal["split"] = "split"
    line: str
    at: int
    word: str


class Dropped(Document):
    """A line is not dubbed."""

    action: Literal["drop"] = "drop"
    line: str


Correction = Annotated[Reassigned | Reworded | Merged | Split | Dropped, Field(discriminator="action")]


class Corrections(Document):
    """What people corrected of the original: `edits` in the order in which they count, and the speakers' names."""

    edits: tuple[Correction, ...] = ()
    names: dict[str, str] = Field(default={})


class TextEdit(Document):
    """What a line is to say in one language, made for the `original` text it had then.

    It counts for that text alone, unless it is `locked`. `edited` is False where somebody only locked what was there.
    """

    text: str
    original: str
    locked: bool = False
    edited: bool = True


class TextEdits(Document):
    """The wordings that people gave to the lines of one language, by line."""

    lines: dict[str, TextEdit] = Field(default={})


class Approval(Document):
    """Who approved which translation (its data version), and when."""

    who: str
    when: str
    translation: str


# --- voices ------------------------------------------------------------------------------------------------


class Reference(Document):
    """What is public of one speaker's reference: how much of it there is, never the sound or the embedding."""

    speaker: str
    seconds: Seconds
    segments: int
    voice_class: VoiceClass


class VoiceProfiles(Document):
    """The public side of the private profiles. `payload` names the encrypted file, None where nobody speaks.

    It stays named when the file is deleted; the artifact's manifest says so.
    """

    references: tuple[Reference, ...]
    payload: str | None
    rate: int = 16000


class Voice(Document):
    """A voice of the synthesizer: style vectors and their weights (sum 1), the first one dominant."""

    id: str
    styles: tuple[tuple[str, Ratio], ...]
    voice_class: VoiceClass


class Role(Document):
    """One speaker's voice; `cosine` is its likeness to the speaker, `overridden` when an operator chose it.

    `personal` when it was chosen by a personal sample: `cosine` is the likeness to that sample then. `person` and
    `name` are those of the register of people, empty where it is not used.
    """

    speaker: str
    voice: Voice
    cosine: Ratio | None = None
    overridden: bool = False
    personal: bool = False
    person: str = ""
    name: str = ""
    flags: tuple[str, ...] = ()


class Casting(Document):
    """Speaker -> voice for one language. `cloned` is False where the engine matches voices only."""

    roles: tuple[Role, ...]
    cloned: bool
    notes: tuple[str, ...] = ()


# --- localization ------------------------------------------------------------------------------------------


class Term(Document):
    """A glossary entry: `term` of the original is `wording` in the dub, the same where it is not to be translated.

    `match_case`: the term counts only as it is written, else in either case.
    """

    term: str
    wording: str
    match_case: bool = False


class TranslatedLine(Document):
    """One line in the target language.

    `full_text` is the translation before condensation (equal to `text` where none was needed). `length_ratio`
    is predicted spoken seconds over the original's. `glossary` names the terms that were used. A `verbatim` text is a
    person's: it is spoken as it stands, however long it is.
    """

    id: str
    speaker: str
    text: str
    full_text: str
    predicted_seconds: Seconds
    length_ratio: Ratio
    glossary: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    verbatim: bool = False


class Translation(Document):
    """The lines of one language, in the order of the transcript. `wordings` are the glossary's terms and what for."""

    source: str
    target: str
    engine: str
    wordings: dict[str, str] = Field(default={})
    lines: tuple[TranslatedLine, ...]


class SpokenLine(Document):
    """One line's own sound, trimmed of silence: `sound` is a FLAC of `seconds`, spoken at `rate` times natural.

    `text` is what was spoken (it may have been condensed here). `natural_seconds` is the length at rate 1, `room`
    what the line has before its next neighbour. `key` is the line's content key, `raw_key` that of the sound as it came
    from the engine.
    """

    id: str
    speaker: str
    text: str
    voice: str
    sound: str
    key: str
    raw_key: str = ""
    seconds: Seconds
    natural_seconds: Seconds
    room_seconds: Seconds
    rate: Ratio
    flags: tuple[str, ...] = ()


class DubbedChunks(Document):
    """Every line's own sound."""

    rate_hz: int
    lines: tuple[SpokenLine, ...]


class PlacedLine(Span):
    """One line in time. `lateness_s` is how far after the original's start it begins, `borrowed_s` the silence used.

    `rate` is the total rate against the natural one (engine speed times tempo).
    """

    id: str
    speaker: str
    rate: Ratio
    borrowed_s: Seconds = 0.0
    lateness_s: Seconds = 0.0
    flags: tuple[str, ...] = ()


class SyncedSpeech(Document):
    """All lines placed on one mono track (`speech`, FLAC), as long as the programme."""

    rate_hz: int
    seconds: Seconds
    speech: str | None
    lines: tuple[PlacedLine, ...]


class DuckedMix(Document):
    """Speech over the ducked bed: `final_audio_native_music`, FLAC with the source's channels and rate.

    `speech_gain_db` brought the dub to the original speech's loudness (`speech_lufs` against
    `original_speech_lufs`). `median_reduction_db` is what the bed lost while the dub speaks, None
    for a silent bed and where the music is switched off (the bed is silence then); `ducked_bed` is
    kept so that it can be measured apart.
    """

    final_audio_native_music: str | None
    ducked_bed: str | None
    rate: int
    channels: int
    original_speech_lufs: Decibel | None = None
    speech_lufs: Decibel | None = None
    speech_gain_db: Decibel = 0.0
    median_reduction_db: Decibel | None = None
    notes: tuple[str, ...] = ()


class FinalMux(Document):
    """The deliverable and the files beside it, by file name inside the artifact.

    `untouched` is True when there was nothing to dub and the source was handed on as it is. `track_md5` is that of the
    dub's packets; `track_lufs` and `true_peak_dbtp` are what they decode to.
    """

    video: str
    srt: str | None
    vtt: str | None
    language_tag: str
    seconds: Seconds
    track_md5: str = ""
    track_lufs: Decibel | None = None
    true_peak_dbtp: Decibel | None = None
    untouched: bool = False
    notes: tuple[str, ...] = ()


# --- quality -----------------------------------------------------------------------------------------------


class Measure(Document):
    """One promise measured: `value` against `limit`; `ok` is False where it is broken or could not be computed.

    `blocking` where a broken one holds the delivery back; else it only warns.
    """

    name: str
    value: float | None
    unit: str
    limit: str
    ok: bool
    note: str = ""
    blocking: bool = True


class LineQuality(Document):
    """One line's figures as QA measured them."""

    id: str
    speaker: str
    onset_error_s: Seconds | None
    lateness_s: Seconds
    rate: Ratio
    length_ratio: Ratio
    round_trip_wer: Ratio | None
    heard: str
    flags: tuple[str, ...] = ()


class QaReport(Document):
    """Every promise measured, per video and per line; `flags` in words; `nothing_to_dub` where nobody spoke.

    `voices` says which voice speaks for whom, by the names people gave or else by the speakers' letters.
    """

    video: str
    language: str
    nothing_to_dub: bool
    voices: dict[str, str] = Field(default={})
    measures: tuple[Measure, ...]
    lines: tuple[LineQuality, ...]
    flags: tuple[str, ...]
    notes: tuple[str, ...] = Field(default=())


# --- the drop folder ---------------------------------------------------------------------------------------


class Drop(Document):
    """One arrival of a video: under which key and version, with which languages and settings of its own."""

    key: str
    version: str
    etag: str
    size: int
    when: str
    languages: tuple[str, ...]
    settings: dict[str, dict[str, Any]] = Field(default={})


class Drops(Document):
    """Every arrival of one video, the oldest first."""

    drops: tuple[Drop, ...] = ()


class Handed(Document):
    """What was last put into the storage of one dub: as what (delivered, held, failed), and of which content or run.

    `failed`: a sentence of a failure lies there too, of this run. `storage`: which one it was; "" is any.
    """

    state: Literal["delivered", "held", "failed"]
    content: str = ""
    failed: str = ""
    storage: str = ""
