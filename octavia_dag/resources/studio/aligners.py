"""Which wav2vec2 finds the words of a language in the sound, and under which licence.

The defaults are whisperx's own, by their names on the hub. Those of four languages may not be sold; `permitted` takes
others for them. An aligner is an extra: where none is there, words keep whisper's own times, and the engine's revision
says of each language which of the two it is. One that the settings name must be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import Licence
from octavia_dag.resources.studio.engine import unknown
from octavia_dag.resources.weights import Reference
from octavia_dag.resources.whisper import code_of

Aligners = Literal["all", "permitted"]
FORBIDDEN = "CC-BY-NC-4.0"
_XLSR = "jonatasgrosman/wav2vec2-large-xlsr-53"
_VOXPOPULI = "facebook/wav2vec2-base-10k-voxpopuli-ft"
_APACHE = "Apache-2.0"
_DEFAULTS = {
    "en": "facebook/wav2vec2-base-960h@main",
    "fr": f"{_VOXPOPULI}-fr@main",
    "de": f"{_VOXPOPULI}-de@main",
    "es": f"{_VOXPOPULI}-es@main",
    "it": f"{_VOXPOPULI}-it@main",
    "pt": f"{_XLSR}-portuguese@main",
    "nl": f"{_XLSR}-dutch@main",
    "pl": f"{_XLSR}-polish@main",
    "ru": f"{_XLSR}-russian@main",
    "hu": f"{_XLSR}-hungarian@main",
    "ar": f"{_XLSR}-arabic@main",
    "ja": f"{_XLSR}-japanese@main",
    "zh": f"{_XLSR}-chinese-zh-cn@main",
    "fi": f"{_XLSR}-finnish@main",
    "fa": f"{_XLSR}-persian@main",
    "el": f"{_XLSR}-greek@main",
}
_PERMITTED = _DEFAULTS | {
    "fr": f"{_XLSR}-french@main",
    "de": f"{_XLSR}-german@main",
    "es": f"{_XLSR}-spanish@main",
    "it": f"{_XLSR}-italian@main",
}
_INSTEAD = "{replacement} (transcription.options.aligners: permitted)"


@dataclass(frozen=True)
class Choice:
    """The aligner of a language; `named` where the settings name it, and it must therefore be there."""

    reference: str
    named: bool


def choices(kind: Aligners, named: str) -> dict[str, Choice]:
    """The aligner of each language that has one; a SettingsError where `named` cannot be read."""
    defaults = _DEFAULTS if kind == "all" else _PERMITTED
    return {code: Choice(reference, named=False) for code, reference in defaults.items()} | {
        code: Choice(reference, named=True) for code, reference in _read(named).items()
    }


def licences_of(code: str, chosen: Mapping[str, Choice]) -> tuple[Licence, ...]:
    """Of the aligner of a language, nothing where it has none."""
    choice = chosen.get(code)
    if choice is None:
        return ()
    told = Reference.of(choice.reference)
    part = f"the aligner {told.repository or told.path}"
    if told.repository.lower().startswith(_VOXPOPULI):
        replacement = Reference.of(_PERMITTED[code]).repository if code in _PERMITTED else "whisper's own word times"
        instead = _INSTEAD.format(replacement=replacement)
        return (Licence(part=part, name=FORBIDDEN, commercial=False, instead=instead),)
    known = any(told.repository == Reference.of(one).repository for one in (*_DEFAULTS.values(), *_PERMITTED.values()))
    return (Licence(part=part, name=_APACHE) if known else unknown(part, told),)


def _read(named: str) -> dict[str, str]:
    """ "en=owner/name@rev, de=/folder" by language."""
    found: dict[str, str] = {}
    for piece in filter(None, (one.strip() for one in named.split(","))):
        code, mark, reference = piece.partition("=")
        if not mark or not code.strip():
            raise SettingsError(
                f"transcription.options.aligner_weights has {piece!r}, which names no language; write it as "
                "'en=owner/name@revision, de=/folder'."
            )
        Reference.of(reference.strip())
        found[code_of(code.strip())] = reference.strip()
    return found
