"""All that people gave for one dub, as a value: drawn at random, changed at random, and given through the same doors
that the commands use. What is drawn is always possible together, so a refusal is a defect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from octavia_fakes import WORDS

from octavia_dag.cli.reviewing import Desk
from octavia_dag.dubbing.review import Changes
from octavia_dag.layers import Place, change_layer
from octavia_dag.resources.corrections import read_texts
from octavia_dag.resources.glossary_files import replace_glossary
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Line, TextEdit
from octavia_dag.settings import Layer

LANGUAGE = "pt-BR"
WHO = "a test"
# What may be set for the whole video alone, and what for the dub too.
_OF_VIDEO: dict[str, Sequence[Any]] = {
    "separation.track": (0, 1),
    "chunking.min_silence_s": (0.15, 0.6),
    "diarization.max_speakers": (1, 2),
    "transcription.line_gap_s": (0.3, 1.5),
    "voices.reference_s": (5.0,),
}
_OF_DUB: dict[str, Sequence[Any]] = {
    "mix.duck_depth_db": (3.0, 9.0),
    "mix.keep_music": (False, True),
    "sync.max_rate": (1.2, 1.25),
    "sync.guard_s": (0.0, 0.2),
    "voices.cast": ({"A": "fake_f3"}, {"A": "fake_m1"}),
    "voices.own_voices": (False,),
    "translation.max_length_ratio": (0.9, 1.5),
    "synthesis.reuse": (False, True),
    "delivery.keep_original": (False, True),
    "delivery.audio_kbps": (128, 256),
    "delivery.subtitles": (False,),
}
_SPOKEN = ("uma outra frase.", "isto foi dito.", "agora mais curto.", "algo que ninguém esperava de todo.")
_LIKELY = 0.25


@dataclass(frozen=True)
class Wanted:
    """Layers of settings as `slice.field: value`, wordings by line, and glossaries as `term: wording`."""

    video: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dub: Mapping[str, Any] = field(default_factory=dict[str, Any])
    texts: Mapping[str, TextEdit] = field(default_factory=dict[str, TextEdit])
    own_terms: Mapping[str, str] = field(default_factory=dict[str, str])
    all_terms: Mapping[str, str] = field(default_factory=dict[str, str])


def drawn(random: Random, lines: Sequence[Line]) -> Wanted:
    """Anything; the wordings are of `lines`."""
    return Wanted(
        video={name: random.choice(of) for name, of in {**_OF_VIDEO, **_OF_DUB}.items() if random.random() < _LIKELY},
        dub={name: random.choice(of) for name, of in _OF_DUB.items() if random.random() < _LIKELY},
        texts={line.id: _wording(random, line) for line in lines if random.random() < _LIKELY},
        own_terms=_terms(random, lines),
        all_terms=_terms(random, lines),
    )


def moved(random: Random, wanted: Wanted, lines: Sequence[Line]) -> Wanted:
    """One thing of it set, set otherwise, or taken away."""
    layers: tuple[Callable[[], Wanted], ...] = (
        lambda: replace(wanted, video=_layer_moved(random, wanted.video, {**_OF_VIDEO, **_OF_DUB})),
        lambda: replace(wanted, dub=_layer_moved(random, wanted.dub, _OF_DUB)),
        lambda: replace(wanted, texts=_texts_moved(random, wanted.texts, lines)),
        lambda: replace(wanted, own_terms=_terms(random, lines)),
        lambda: replace(wanted, all_terms=_terms(random, lines)),
    )
    return random.choices(layers, weights=(4, 4, 3, 1, 1))[0]()


def give(tools: Workshop, video: str, wanted: Wanted, engines: Layer) -> None:
    """Makes it what holds for `video`, through the doors of the commands."""
    root = Path(tools.store.root)
    change_layer(root, Place(), engines, who=WHO)
    change_layer(root, Place(video), _layer(wanted.video), who=WHO)
    change_layer(root, Place(video, LANGUAGE), _layer(wanted.dub), who=WHO)
    before = read_texts(tools.store, video, LANGUAGE).lines
    texts: dict[str, TextEdit | None] = {**dict.fromkeys(before), **wanted.texts}
    Desk(tools, video, LANGUAGE).keep(Changes(texts=texts), WHO)
    for of, terms in ((video, wanted.own_terms), (None, wanted.all_terms)):
        rows = "".join(f"{term},,{wording}\n" for term, wording in sorted(terms.items()))
        replace_glossary(root, of, f"term,language,translation\n{rows}".encode(), "a test's")


def _layer(values: Mapping[str, Any]) -> Layer:
    layer: Layer = {}
    for name, value in values.items():
        head, _, setting = name.partition(".")
        layer.setdefault(head, {})[setting] = value
    return layer


def _layer_moved(random: Random, values: Mapping[str, Any], choices: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    if values and random.random() < 0.4:
        gone = random.choice(sorted(values))
        return {name: value for name, value in values.items() if name != gone}
    name = random.choice(sorted(choices))
    return {**values, name: random.choice(choices[name])}


def _texts_moved(random: Random, texts: Mapping[str, TextEdit], lines: Sequence[Line]) -> dict[str, TextEdit]:
    if not lines or (texts and random.random() < 0.3):
        gone = random.choice(sorted(texts)) if texts else ""
        return {line: text for line, text in texts.items() if line != gone}
    line = random.choice(list(lines))
    return {**texts, line.id: _wording(random, line)}


def _wording(random: Random, line: Line) -> TextEdit:
    return TextEdit(text=random.choice(_SPOKEN), original=line.text, locked=random.random() < 0.4)


def _terms(random: Random, lines: Sequence[Line]) -> dict[str, str]:
    said = sorted({word.strip(".") for line in lines for word in line.text.split()} & set(WORDS))
    return {term: f"{term}ada" for term in said if random.random() < 0.15}
