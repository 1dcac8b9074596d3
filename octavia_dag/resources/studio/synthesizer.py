"""XTTS v2 speaks in cloned voices, in batches, and keeps what the GPT made of a text.

The GPT costs, the decoder hardly does: of what was just spoken the latents are kept in memory, and the same text at
another speed is decoded from them stretched, without another pass. A line's stream of random numbers follows from its
text, language, voice and take alone, so it is the same line whenever and beside whatever it is spoken.
"""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from octavia_dag.dubbing.trimming import faded, heard_samples
from octavia_dag.errors import EngineError
from octavia_dag.resources.cloning import CloningSynthesizer
from octavia_dag.resources.engines import EngineInfo, Profile, Samples, Utterance
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.voice_cloner import RATE_HZ as REFERENCE_HZ
from octavia_dag.resources.studio.voice_cloner import clone_of, unpacked
from octavia_dag.resources.studio.xtts import LICENCE, XttsEngine
from octavia_dag.resources.studio.xtts_rows import Row, draw_codes, latents_of, sound_of
from octavia_dag.resources.studio.xtts_texts import LANGUAGES, code_of, pieces, speaks

if TYPE_CHECKING:
    import torch

_METHOD = "rows-2"  # streams, pieces and stretching; another number where equal weights would speak otherwise
# Latents of a line of 5 s are 0.4 MB: those of an hour's lines fit.
_KEPT = 1024
# Of this many people the latents are at hand.
_PEOPLE = 64
# What a reader leaves between two sentences of a text that had to be spoken in pieces.
_PAUSE_S = 0.25


@dataclass(frozen=True)
class _Piece:
    """A row, and the key under which its latents are kept: all that they follow from."""

    row: Row
    key: str


class XttsSynthesizer(XttsEngine, CloningSynthesizer):
    """Speaks 17 languages in the voices of profiles; `rows` pieces at once, fewer where memory is short."""

    samples: ClassVar[bool] = True
    batch: ClassVar[int] = 128
    stretch: ClassVar[tuple[float, float] | None] = (0.85, 1.2)

    rows: int = Field(default=16, ge=1)

    _kept: "OrderedDict[str, torch.Tensor]" = PrivateAttr(default_factory=OrderedDict)
    _voices: dict[str, tuple["torch.Tensor", "torch.Tensor"]] = PrivateAttr(default_factory=dict)
    _guard: threading.RLock = PrivateAttr(default_factory=threading.RLock)

    def info(self) -> EngineInfo:
        """The weights; CPML, so not for sale, nor is what they speak."""
        revision = f"{self.weights_revision()} {_METHOD}"
        return EngineInfo(
            name="xtts", revision=revision, licence=f"{LICENCE.name} (non-commercial)", languages=LANGUAGES
        )

    @property
    def rate_hz(self) -> int:
        """24 kHz."""
        return 24000

    def speaks(self, language: str) -> bool:
        """Whether it is one of the 17, of whichever country."""
        return speaks(language)

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        """Mono 24 kHz sound of each; texts of one token length are spoken together, whoever speaks them.

        An EngineError where a text is empty or has no profile, a PairError for a language it does not speak.
        """
        for one in utterances:
            _refuse(one)
        asked = [self._pieces(one) for one in utterances]
        made = self._latents([piece for some in asked for piece in some])
        return [self._sound(one, some, made) for one, some in zip(utterances, asked, strict=True)]

    def _pieces(self, asked: Utterance) -> list[_Piece]:
        def run(some: Sequence[Utterance], device: str) -> list[list[_Piece]]:
            with self.loaded(device) as held:
                return [self._cut(held.model, one) for one in some]

        return self.fitting([asked], run, 1, f"Speaking {asked.text!r}")[0]

    def _cut(self, model: Any, asked: Utterance) -> list[_Piece]:
        assert asked.profile is not None
        code = code_of(asked.language)
        limit = model.tokenizer.char_limits[code.partition("-")[0]]

        def tokens(text: str) -> list[int]:
            return _encoded(model, text, code)

        # As the library has it: in lower case, and fewer tokens than the GPT has places for.
        texts = pieces(
            asked.text.lower(),
            lambda text: len(text) <= limit and len(tokens(text)) < model.args.gpt_max_text_tokens,
        )
        voice, latents, timbre = self._voice(asked.profile)
        return [
            _piece(tokens(text), latents, timbre, [voice, code, text, str(asked.take), str(number)])
            for number, text in enumerate(texts)
        ]

    def _voice(self, profile: Profile) -> "tuple[str, torch.Tensor, torch.Tensor]":
        """A name for the voice that tells nothing, its latents and its timbre; computed where the profile has none."""
        import torch

        told = (self.weights_revision().encode(), profile.clone, profile.reference_wav)
        name = hashlib.sha256(b"\0".join(told)).hexdigest()
        with self._guard:
            if name not in self._voices:
                arrays = self._clone(profile)
                while len(self._voices) >= _PEOPLE:
                    self._voices.pop(next(iter(self._voices)))
                self._voices[name] = torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1])
            return name, *self._voices[name]

    def _clone(self, profile: Profile) -> tuple[Samples, Samples]:
        """From the profile; anew from its reference sound, where another cloner or other weights made it."""
        if profile.clone:
            revision, latents, timbre = unpacked(profile.clone)
            if revision == self.weights_revision():
                return latents, timbre
        reference = _samples(profile.reference_wav)
        return self.alone(lambda model: clone_of(model, reference), f"Cloning speaker {profile.speaker}")

    def _latents(self, wanted: Sequence[_Piece]) -> "dict[str, torch.Tensor]":
        """The latents of every piece: kept ones, and the others by length of their tokens."""
        with self._guard:
            found = {piece.key: self._kept[piece.key] for piece in wanted if piece.key in self._kept}
        missing = {piece.key: piece for piece in wanted if piece.key not in found}
        lengths: dict[int, list[_Piece]] = {}
        for piece in missing.values():
            lengths.setdefault(len(piece.row.tokens), []).append(piece)
        for some in lengths.values():
            made = self.fitting(some, self._spoken, self.rows, "Speaking a line")
            found |= {piece.key: latents for piece, latents in zip(some, made, strict=True)}
        self._keep(found)
        return found

    def _spoken(self, some: Sequence[_Piece], device: str) -> "list[torch.Tensor]":
        """One pass of the GPT for all codes, and one for the latents of each."""
        rows = [piece.row for piece in some]
        with self.loaded(device) as held, held.lock, busy("engine", "xtts"):
            codes = draw_codes(held.model, rows)
            return [latents_of(held.model, row, drawn) for row, drawn in zip(rows, codes, strict=True)]

    def _keep(self, latents: "dict[str, torch.Tensor]") -> None:
        with self._guard:
            for key, one in latents.items():
                self._kept[key] = one
                self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def _sound(self, asked: Utterance, some: Sequence[_Piece], made: "dict[str, torch.Tensor]") -> Samples:
        def decoded(piece: _Piece, speed: float) -> Samples:
            what = f"Decoding {asked.text!r}"
            sound = self.alone(lambda model: sound_of(model, made[piece.key], piece.row.timbre, speed), what)
            if not np.isfinite(sound).all() or not sound.any():
                raise EngineError(f"Speaking {asked.text!r} gave no sound; check the weights of XTTS.")
            return sound

        if len(some) == 1:
            return decoded(some[0], asked.speed)
        pause = np.zeros(round(_PAUSE_S / asked.speed * self.rate_hz), np.float32)
        joined = [part for piece in some for part in (self._bare(piece, asked.speed, decoded), pause)]
        return np.concatenate(joined[:-1])

    def _bare(self, piece: _Piece, speed: float, decoded: Callable[[_Piece, float], Samples]) -> Samples:
        """A piece without the silence around it: cut where it is cut at natural speed, so that no speed cuts more."""
        sound = decoded(piece, speed)
        natural = sound if speed == 1.0 else decoded(piece, 1.0)
        start, end = (round(at * len(sound) / len(natural)) for at in heard_samples(natural, self.rate_hz))
        return faded(sound[start:end], self.rate_hz)


def _refuse(asked: Utterance) -> None:
    code_of(asked.language)
    if not (math.isfinite(asked.speed) and asked.speed > 0):
        raise EngineError(f"Speaking {asked.text!r} at speed {asked.speed}: a speed is above 0; 1 is natural.")
    if not any(letter.isalnum() for letter in asked.text):
        raise EngineError(
            f"Speaking {asked.text!r} in {asked.language}: there is nothing in it that can be spoken; mend the text."
        )
    if asked.profile is None:
        raise EngineError(
            f"Speaking {asked.text!r} in {asked.language}: XTTS speaks only in cloned voices, and no profile was given "
            f"for {asked.voice.id}."
        )


def _encoded(model: Any, text: str, code: str) -> list[int]:
    try:
        return list(model.tokenizer.encode(text, lang=code))
    except ImportError as error:
        raise EngineError(
            f"Speaking {code}: {error}, which reads its script, is not installed; run 'make studio'."
        ) from error
    except NotImplementedError as error:
        raise EngineError(
            f"Speaking {text!r}: XTTS cannot read digits and signs aloud in {code}; write them in words."
        ) from error


def _piece(tokens: list[int], latents: "torch.Tensor", timbre: "torch.Tensor", of: list[str]) -> _Piece:
    key = hashlib.sha256("\0".join(of).encode()).hexdigest()
    return _Piece(Row(tuple(tokens), latents, timbre, int(key[:15], 16)), key)


def _samples(wav: bytes) -> Samples:
    import io

    import soundfile

    sound, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    assert rate == REFERENCE_HZ
    return np.asarray(sound, np.float32)
