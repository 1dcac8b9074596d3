"""The thirteen assets, declared once: what each is made from, which settings it reads, which engines it asks.

The asset functions, the content keys, the command's time left and the tests read this file; nobody repeats it.
`reads` names slices or single fields ("sync.max_rate"). `share` is the part of a typical run's time, for the time
left that the command shows; it decides nothing. Raise `code_version` when the same inputs give another outcome.
"""

from dataclasses import dataclass, replace
from typing import Literal

Granularity = Literal["video", "dub"]
RoleName = Literal[
    "separator", "segmenter", "diarizer", "transcriber", "translator", "condenser", "cloner", "synthesizer"
]

# The pool of the steps that ask engines: how many runs with such steps go at once is a limit of the pool.
ENGINES = "engines"

# Where a role's engine is named in the settings; of a segmenter there may be none.
ROLE_SETTINGS: dict[RoleName, str] = {
    "separator": "separation.engine",
    "segmenter": "chunking.segmenter",
    "diarizer": "diarization.engine",
    "transcriber": "transcription.engine",
    "translator": "translation.engine",
    "condenser": "translation.condenser",
    "cloner": "voices.engine",
    "synthesizer": "synthesis.engine",
}
# And what it is told.
ROLE_OPTIONS: dict[RoleName, str] = {
    role: f"{place}_options" if role in ("condenser", "segmenter") else f"{place.partition('.')[0]}.options"
    for role, place in ROLE_SETTINGS.items()
}


@dataclass(frozen=True)
class Node:
    """One asset. `inputs` are names of other assets, in the order of the design's table."""

    name: str
    group: str
    granularity: Granularity
    inputs: tuple[str, ...]
    description: str
    reads: tuple[str, ...] = ()
    roles: tuple[RoleName, ...] = ()
    kinds: tuple[str, ...] = ()
    owner: str = "team:audio"
    code_version: str = "1"
    share: float = 0.01
    hears_speech: bool = False  # by VAD, whose weights are then part of the key
    private: bool = False
    if_cloning: tuple[str, ...] = ()  # inputs as well, where the synthesizer clones
    if_sampling: tuple[RoleName, ...] = ()  # roles as well, where the synthesizer samples


_MADE = (
    Node(
        "source_video",
        "source",
        "video",
        inputs=(),
        description="Probe and pre-analysis of the file: streams, true length, sha256, spoken language, a hint of "
        "how many people speak, and how much music there is.",
        reads=("separation.track", "transcription.language", "diarization.max_speakers"),
        roles=("separator", "transcriber", "diarizer"),
        kinds=("ffmpeg",),
        share=0.16,
        hears_speech=True,
    ),
    Node(
        "stems",
        "analysis",
        "video",
        inputs=("source_video",),
        description="clean_vocals and bgm_full: two sounds that add up to the source, the second without the spoken "
        "words.",
        reads=("separation",),
        roles=("separator",),
        kinds=("onnx", "ffmpeg"),
        share=0.12,
    ),
    Node(
        "chunks",
        "analysis",
        "video",
        inputs=("stems", "source_video"),
        description="Speech cut at silences and packed to 6 to 12 s, with the words heard in it.",
        reads=("chunking", "transcription.engine", "transcription.options", "transcription.min_logprob"),
        roles=("transcriber", "segmenter"),
        kinds=("whisper",),
        share=0.08,
        hears_speech=True,
    ),
    Node(
        "speaker_map",
        "analysis",
        "video",
        inputs=("stems", "chunks"),
        description="Who speaks when: diarization turns (RTTM), speakers, talk time, overlaps.",
        reads=("diarization",),
        roles=("diarizer",),
        kinds=("onnx",),
        share=0.03,
    ),
    Node(
        "transcript",
        "analysis",
        "video",
        inputs=("stems", "chunks", "speaker_map"),
        description="The lines of the original: one speaker each, words with times.",
        reads=("transcription.line_gap_s", "transcription.line_max_s"),
        kinds=("python",),
        owner="team:language",
    ),
    Node(
        "voice_profiles",
        "voices",
        "video",
        inputs=("stems", "speaker_map"),
        description="Per speaker: reference segments, embedding, pitch. Private: encrypted at rest, deleted when "
        "every requested dub is delivered and reported.",
        reads=("voices.engine", "voices.options", "voices.reference_s"),
        roles=("cloner",),
        kinds=("onnx",),
        private=True,
    ),
    Node(
        "casting",
        "voices",
        "dub",
        inputs=("speaker_map", "voice_profiles"),
        description="Which voice speaks for whom.",
        code_version="2",
        reads=(
            "voices.engine",
            "voices.options",
            "voices.own_voices",
            "voices.personal",
            "voices.recognize",
            "voices.mixtures",
            "voices.cast",
            "synthesis.engine",
            "synthesis.options",
        ),
        roles=("cloner", "synthesizer"),
        kinds=("python",),
        owner="team:language",
    ),
    Node(
        "translation",
        "localization",
        "dub",
        inputs=("transcript",),
        description="The lines in the other language, condensed where they would be too long.",
        reads=("translation", "synthesis.engine", "synthesis.options"),
        roles=("translator", "condenser", "synthesizer"),
        kinds=("python",),
        owner="team:language",
        share=0.02,
    ),
    Node(
        "dubbed_chunks",
        "localization",
        "dub",
        inputs=("translation", "casting", "transcript"),
        description="One sound per line in its speaker's voice, trimmed and fitted into its time.",
        reads=(
            "synthesis.engine",
            "synthesis.options",
            "sync",
            "translation.condenser",
            "translation.condenser_options",
            "translation.endpoint",
            "translation.endpoint_model",
            "translation.prompt",
        ),
        roles=("synthesizer", "condenser"),
        kinds=("onnx",),
        share=0.2,
        if_cloning=("voice_profiles",),
        if_sampling=("transcriber",),
    ),
    Node(
        "synced_speech",
        "delivery",
        "dub",
        inputs=("dubbed_chunks", "transcript"),
        description="The lines placed in time on one track.",
        reads=("sync",),
        kinds=("python",),
    ),
    Node(
        "ducked_mix",
        "delivery",
        "dub",
        inputs=("synced_speech", "stems", "speaker_map"),
        description="Speech over the ducked bed: final_audio_native_music.",
        code_version="2",
        reads=("mix",),
        kinds=("ffmpeg",),
        share=0.04,
    ),
    Node(
        "final_mux",
        "delivery",
        "dub",
        inputs=("ducked_mix", "source_video", "dubbed_chunks", "synced_speech"),
        description="The deliverable: picture copied, dub default, original second, subtitles.",
        code_version="3",
        reads=("delivery.keep_original", "delivery.audio_kbps", "delivery.subtitles"),
        kinds=("ffmpeg",),
        share=0.04,
    ),
)

# It judges by the settings that promise something; what else was set shows in what it is made from.
_REPORT = Node(
    "qa_report",
    "qa",
    "dub",
    inputs=tuple(node.name for node in _MADE),
    description="Every promise measured, per line and per video.",
    code_version="4",
    reads=(
        "transcription.engine",
        "transcription.options",
        "voices.engine",
        "voices.options",
        "voices.own_voices",
        "sync.free_rate",
        "sync.max_rate",
        "mix.keep_music",
        "mix.duck_depth_db",
        "delivery.keep_original",
        "checks",
    ),
    roles=("transcriber", "cloner"),
    kinds=("python",),
    owner="team:quality",
    share=0.35,
    hears_speech=True,
)

_NODES = (*_MADE, _REPORT)
GRAPH: dict[str, Node] = {node.name: node for node in _NODES}


def of_granularity(granularity: Granularity) -> tuple[Node, ...]:
    """The assets of one job, in an order in which each comes after its inputs."""
    return tuple(node for node in _NODES if node.granularity == granularity)


def as_spoken(node: Node, *, cloning: bool, sampling: bool) -> Node:
    """`node` as it is made with a synthesizer that clones, or samples, or neither."""
    inputs = (*node.inputs, *node.if_cloning) if cloning else node.inputs
    roles = (*node.roles, *node.if_sampling) if sampling else node.roles
    return replace(node, inputs=inputs, roles=roles)


def ancestors(name: str) -> frozenset[str]:
    """Every asset that `name` is made from, directly or not."""
    direct = GRAPH[name].inputs
    return frozenset(direct).union(*(ancestors(one) for one in direct))
