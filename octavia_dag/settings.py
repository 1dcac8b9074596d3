"""Settings are slices, one per concern, so that a change touches only the steps that read it.

Effective slice = defaults < the video's layer (more layers can join this fold). Every field is typed, bounded and
described, since its description is what an operator reads. Unknown names and values outside the limits are refused
with the name, the value and the limits. Engines are named by import path. Nothing here reads the environment: an
endpoint's key never becomes a setting.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from octavia_dag.errors import PairError, SettingsError
from octavia_dag.nightly import Nights
from octavia_dag.partitions import checked_language
from octavia_dag.profiles import EMBEDDED, ProfileName, with_profile
from octavia_dag.refusals import sentence
from octavia_dag.slicing import Slice
from octavia_dag.thresholds import Checks
from octavia_dag.warming import WarmPool

# The address of an endpoint is shown in metadata, so it may hold no user, password or query.
_BARE_ADDRESS = r"^(https?://(\[[0-9a-fA-F:.]+\]|[^\s@?#/:\[\]]+)(:\d+)?(/[^\s@?#]*)?)?$"
# Of each two the first may not be above the second.
_IN_ORDER = (
    ("chunking.min_chunk_s", "chunking.max_chunk_s"),
    ("diarization.min_speakers", "diarization.max_speakers"),
    ("sync.min_rate", "sync.free_rate"),
    ("sync.free_rate", "sync.max_rate"),
)
# The three switches that carry the product's own words.
SWITCHES = ("mix.keep_music", "voices.own_voices", "voices.personal")


def _language(tag: str) -> str:
    try:
        return checked_language(tag)
    except PairError as error:
        raise ValueError(str(error)) from error


Tag = Annotated[str, AfterValidator(_language)]


def _options() -> Any:
    return Field(default_factory=dict, description="Options of the engine, by name (for example weights).")


class Engines(Slice):
    """Which set of engines does the work; a role's own setting overrides it."""

    profile: ProfileName = Field(
        default="embedded", description="embedded (CPU), studio (GPU), studio-commercial (GPU, only what may be sold)."
    )
    compute: Literal["auto", "gpu", "cpu", "local"] = Field(
        default="auto",
        description="On a fleet, where runs go: auto (gpu where an engine needs one), gpu, cpu, or local.",
    )


class Separation(Slice):
    """How speech and everything else are told apart."""

    engine: str = Field(default=f"{EMBEDDED}.separator:DeepFilterSeparator", description="Separator, by import path.")
    options: dict[str, str] = _options()
    track: int | None = Field(
        default=None, ge=0, le=63, description="Audio track to dub (0 is the first); unset: the best one."
    )


class Chunking(Slice):
    """How speech is found and cut."""

    speech_threshold: float = Field(
        default=0.5, ge=0.1, le=0.95, description="VAD probability above which a window is speech."
    )
    min_silence_s: float = Field(
        default=0.35, ge=0.1, le=2.0, description="A silence of this length or more cuts speech."
    )
    min_chunk_s: float = Field(
        default=6.0, ge=1.0, le=12.0, description="Chunks are packed to at least this, where speech allows."
    )
    max_chunk_s: float = Field(default=12.0, ge=4.0, le=28.0, description="No chunk is longer.")
    segmenter: str = Field(
        default="",
        description="Finds sentences, in the languages it knows, where the transcriber wrote no punctuation; by import "
        "path, empty: nothing does.",
    )
    segmenter_options: dict[str, str] = _options()


class Diarization(Slice):
    """Who speaks when."""

    engine: str = Field(default=f"{EMBEDDED}.diarizer:SpectralDiarizer", description="Diarizer, by import path.")
    options: dict[str, str] = _options()
    min_speakers: int = Field(default=1, ge=1, le=20, description="At least this many people speak.")
    max_speakers: int = Field(
        default=8, ge=1, le=20, description="At most this many people speak; equal to the minimum: fixed."
    )


class Transcription(Slice):
    """What is said."""

    engine: str = Field(
        default=f"{EMBEDDED}.transcriber:WhisperTranscriber", description="Transcriber, by import path."
    )
    options: dict[str, str] = _options()
    language: str | None = Field(
        default=None, description="Language spoken in the video (a tag such as en); unset: heard."
    )
    line_gap_s: float = Field(
        default=0.7, ge=0.2, le=3.0, description="A silence of this length inside a turn begins a new line."
    )
    line_max_s: float = Field(default=12.0, ge=4.0, le=12.0, description="No line is longer.")
    min_logprob: float = Field(
        default=-1.0,
        ge=-3.0,
        le=0.0,
        description="Segments believed less (mean log probability), and likely no speech, are refused.",
    )


class Voices(Slice):
    """Who speaks in the dub."""

    engine: str = Field(default=f"{EMBEDDED}.voice_cloner:DVectorCloner", description="Voice cloner, by import path.")
    options: dict[str, str] = _options()
    reference_s: float = Field(
        default=30.0, ge=3.0, le=60.0, description="Up to this much of a speaker's cleanest speech is kept."
    )
    own_voices: bool = Field(
        default=True,
        title="Automatic multi-speaker voice cloning (“Clone on the fly”)",
        description="Every person gets their own unique voice automatically. No manual work required.",
    )
    personal: bool = Field(
        default=True,
        title="Use my personal cloned voice for the main speaker",
        description="The person who talks the most will sound exactly like you.",
    )
    recognize: bool = Field(
        default=False, description="Know people again from video to video, who then keep their name and their voice."
    )
    mixtures: bool = Field(default=True, description="Extend the cast with mixtures of voices when pure ones run out.")
    cast: dict[str, str] = Field(default_factory=dict, description="Speaker -> voice id, chosen by hand.")


class TranslationSlice(Slice):
    """How it is said in the other language."""

    engine: str = Field(default=f"{EMBEDDED}.translator:LocalTranslator", description="Translator, by import path.")
    options: dict[str, str] = _options()
    condenser: str = Field(default=f"{EMBEDDED}.condenser:RuleCondenser", description="Condenser, by import path.")
    condenser_options: dict[str, str] = _options()
    endpoint: str = Field(
        default="",
        pattern=_BARE_ADDRESS,
        description="Base address of an OpenAI-compatible chat endpoint that condenses; empty: rules.",
    )
    endpoint_model: str = Field(default="", description="The model that the chat endpoint is asked for.")
    prompt: str = Field(default="", description="The condensing prompt; empty: the built-in one.")
    max_length_ratio: float = Field(
        default=1.2, ge=0.8, le=2.0, description="Over this times the original's length a line is condensed."
    )


class Synthesis(Slice):
    """How it is spoken."""

    engine: str = Field(default=f"{EMBEDDED}.synthesizer:KokoroSynthesizer", description="Synthesizer, by import path.")
    options: dict[str, str] = _options()
    parallel: int = Field(default=0, ge=0, le=64, description="Lines spoken side by side; 0: one per core.")
    reuse: bool = Field(default=True, description="Take a line's sound, and what was heard in it, from the line store.")
    share: bool = Field(default=True, description="Lines of one text, voice and speed share one sound.")


class Sync(Slice):
    """How a line is fitted into its time."""

    max_rate: float = Field(
        default=1.3, ge=1.0, le=1.3, description="A line is never spoken faster than this times natural."
    )
    free_rate: float = Field(default=1.2, ge=1.0, le=1.3, description="Up to this rate nothing is flagged.")
    min_rate: float = Field(
        default=0.85, ge=0.7, le=1.0, description="A line is never spoken slower than this times natural."
    )
    guard_s: float = Field(default=0.05, ge=0.0, le=0.5, description="Silence kept before the next line.")


class Mix(Slice):
    """How the dub meets the music."""

    keep_music: bool = Field(
        default=True,
        title="Preserve original background music with intelligent ducking",
        description="Your soundtrack stays exactly the same — it just politely steps back when someone speaks.",
    )
    duck_depth_db: float = Field(
        default=6.0, ge=0.0, le=9.0, description="How far the bed steps back while the dub speaks (median)."
    )
    threshold_db: float = Field(default=-30.0, ge=-60.0, le=0.0, description="Sidechain compressor's threshold.")
    ratio: float = Field(default=8.0, ge=1.0, le=20.0, description="Sidechain compressor's ratio.")
    attack_ms: float = Field(default=20.0, ge=0.1, le=2000.0, description="Sidechain compressor's attack.")
    release_ms: float = Field(default=250.0, ge=10.0, le=9000.0, description="Sidechain compressor's release.")


class Delivery(Slice):
    """What is handed over."""

    languages: tuple[Tag, ...] = Field(
        default=(), description="Languages that the video is dubbed into, besides those asked for by a command."
    )
    review: Literal["none", "required"] = Field(
        default="none", description="required: nothing is spoken before the translation is approved."
    )
    keep_original: bool = Field(default=True, description="Keep the original sound as the second audio track.")
    audio_kbps: int = Field(default=192, ge=128, le=512, description="Bit rate of the dub's audio track.")
    subtitles: bool = Field(
        default=True, description="Add subtitles in the target language where the container can hold text."
    )
    tenant: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^\x00-\x1f]*$",
        description="For whom: limits of a fleet's queue count by it.",
    )


class Costs(Slice):
    """What the work costs. No step reads it: a price makes nothing again."""

    gpu_hour: float = Field(default=0.0, ge=0.0, le=1000.0, description="Price of an hour of GPU; 0: none is told.")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="Currency of the price (ISO 4217).")


class Settings(Slice):
    """All slices of one video, as they take effect."""

    engines: Engines = Engines()
    separation: Separation = Separation()
    chunking: Chunking = Chunking()
    diarization: Diarization = Diarization()
    transcription: Transcription = Transcription()
    voices: Voices = Voices()
    translation: TranslationSlice = TranslationSlice()
    synthesis: Synthesis = Synthesis()
    sync: Sync = Sync()
    mix: Mix = Mix()
    delivery: Delivery = Delivery()
    checks: Checks = Checks()
    costs: Costs = Costs()
    catalogue: Nights = Nights()
    warm_pool: WarmPool = WarmPool()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for low, high in _IN_ORDER:
            below, above = slice_values(self, (low, high)).values()
            if below > above:
                raise ValueError(f"{low} is {below}, which is more than {high} ({above}); change one of the two.")
        return self


Layer = dict[str, dict[str, Any]]


def effective(layers: Iterable[Mapping[str, Mapping[str, Any]]]) -> Settings:
    """The settings that result from `layers`, later ones over earlier ones; a SettingsError names what is wrong."""
    merged: Layer = {}
    for layer in layers:
        for name, values in layer.items():
            merged[name] = {**merged.get(name, {}), **values}
    try:
        return Settings.model_validate(with_profile(merged))
    except ValidationError as error:
        raise SettingsError(sentence(error, Settings)) from error


def slice_values(settings: Settings, reads: Iterable[str]) -> dict[str, Any]:
    """The values of what a step reads: a slice by name, or one field as 'slice.field'."""
    values: dict[str, Any] = {}
    for name in reads:
        head, _, field = name.partition(".")
        chosen: Slice = getattr(settings, head)
        values[name] = getattr(chosen, field) if field else chosen.model_dump()
    return values


def digest(value: object) -> str:
    """sha256 of the canonical JSON of `value`: equal values, equal hash, whatever the order of their fields."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
