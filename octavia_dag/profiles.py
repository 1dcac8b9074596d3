"""A profile is a choice of an engine for each role; any role's own setting overrides it.

`embedded` runs on a CPU with weights that packages carry. `studio` is for a GPU: the best there is, some of it not for
sale. `studio-commercial` holds only what may be sold. Options are fields of the engine, by name.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

ProfileName = Literal["embedded", "studio", "studio-commercial"]
EMBEDDED = "octavia_dag.resources.embedded"
STUDIO = "octavia_dag.resources.studio"


@dataclass(frozen=True)
class Choice:
    """An engine by import path, with what it is told."""

    path: str
    options: dict[str, str] = field(default_factory=dict[str, str])


# (slice, field of the path, field of the options) of each role.
PLACES = {
    "separator": ("separation", "engine", "options"),
    "segmenter": ("chunking", "segmenter", "segmenter_options"),
    "diarizer": ("diarization", "engine", "options"),
    "transcriber": ("transcription", "engine", "options"),
    "translator": ("translation", "engine", "options"),
    "condenser": ("translation", "condenser", "condenser_options"),
    "cloner": ("voices", "engine", "options"),
    "synthesizer": ("synthesis", "engine", "options"),
}

_EMBEDDED = {
    "separator": Choice(f"{EMBEDDED}.separator:DeepFilterSeparator"),
    "segmenter": Choice(""),  # its transcriber writes punctuation
    "diarizer": Choice(f"{EMBEDDED}.diarizer:SpectralDiarizer"),
    "transcriber": Choice(f"{EMBEDDED}.transcriber:WhisperTranscriber"),
    "translator": Choice(f"{EMBEDDED}.translator:LocalTranslator"),
    "condenser": Choice(f"{EMBEDDED}.condenser:RuleCondenser"),
    "cloner": Choice(f"{EMBEDDED}.voice_cloner:DVectorCloner"),
    "synthesizer": Choice(f"{EMBEDDED}.synthesizer:KokoroSynthesizer"),
}
_STUDIO = {
    "separator": Choice(f"{STUDIO}.separator:DemucsSeparator"),
    "segmenter": Choice(f"{STUDIO}.segmenter:PunctuationSegmenter"),
    "diarizer": Choice(f"{STUDIO}.diarizer:PyannoteDiarizer"),
    "transcriber": Choice(f"{STUDIO}.transcriber:WhisperXTranscriber"),
    "translator": Choice(f"{STUDIO}.translator:SeamlessTranslator"),
    "condenser": Choice(f"{EMBEDDED}.condenser:RuleCondenser"),
    "cloner": Choice(f"{STUDIO}.voice_cloner:XttsCloner"),
    "synthesizer": Choice(f"{STUDIO}.synthesizer:XttsSynthesizer"),
}
_COMMERCIAL = {
    **_STUDIO,
    "transcriber": Choice(f"{STUDIO}.transcriber:WhisperXTranscriber", {"aligners": "permitted"}),
    "translator": Choice(f"{STUDIO}.madlad:MadladTranslator"),
    "cloner": Choice(f"{STUDIO}.remote_voices:RemoteCloner"),
    "synthesizer": Choice(f"{STUDIO}.remote_voices:RemoteSynthesizer"),
}
PROFILES: dict[str, dict[str, Choice]] = {
    "embedded": _EMBEDDED,
    "studio": _STUDIO,
    "studio-commercial": _COMMERCIAL,
}


def with_profile(merged: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The layers' values, with the profile's choice wherever no layer names an engine for the role.

    Options of the profile count beside its own engine alone, also where a layer names that one, and under those that a
    layer sets.
    """
    chosen = merged.get("engines", {}).get("profile", "embedded")
    choices = PROFILES.get(chosen) if isinstance(chosen, str) else None
    if choices is None:  # refused by the settings, with the names there are
        return merged
    filled = {name: dict(values) for name, values in merged.items()}
    for role, (name, path, options) in PLACES.items():
        mine = filled.setdefault(name, {})
        if mine.setdefault(path, choices[role].path) == choices[role].path:
            given = mine.get(options, {})
            mine[options] = {**choices[role].options, **given} if isinstance(given, dict) else given
    return filled
