"""Word times from a wav2vec2 that reads letters off the sound, as whisperx finds them, many windows at once.

whisperx aligns one piece at a time, and splits sentences with a model that it would fetch. Here the letters of a batch
of windows of like length are read together; the search of each word's path is whisperx's own. Models whose first layer
normalizes over the whole sound would hear padding, so they read one window at a time.

Letters that the model does not know (digits, other scripts) match whatever is there; signs that nobody speaks are left
out. A word without any letter keeps the time that it had.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from octavia_dag.dubbing.word_times import spaced
from octavia_dag.errors import ModelError
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.studio.decoding import SaidWord
from octavia_dag.resources.studio.quiet import whisperx_quiet
from octavia_dag.resources.whisper import RATE_HZ

# The model sees nothing in less than this.
_LEAST_FRAMES = 400
_PADS = ("[pad]", "<pad>")
_BETWEEN = "|"
_NOWHERE = -1


@dataclass(frozen=True)
class Aligner:
    """A loaded model. `together`: windows of different length may be read in one batch."""

    model: Any
    extractor: Any
    letters: dict[str, int]
    blank: int
    device: str

    @property
    def together(self) -> bool:
        """Whether padding changes nothing for this model."""
        return self.model.config.feat_extract_norm == "layer"


def load_aligner(folder: Path, language: str, device: str) -> Aligner:
    """The aligner in a folder; a ModelError where there is none."""
    from transformers import Wav2Vec2FeatureExtractor

    try:
        with whisperx_quiet():
            from whisperx import load_align_model

            model, told = load_align_model(language, device, model_name=str(folder), model_cache_only=True)
        extractor: Any = Wav2Vec2FeatureExtractor.from_pretrained(str(folder))
    except (ValueError, OSError) as error:
        raise ModelError(
            f"The aligner in {folder} cannot be loaded ({str(error).partition(chr(10))[0]}); name a wav2vec2 with a "
            "letter for each of its outputs (Wav2Vec2ForCTC)."
        ) from error
    letters: dict[str, int] = told["dictionary"]
    blank = next((letters[pad] for pad in _PADS if pad in letters), 0)
    return Aligner(model, extractor, letters, blank, device)


def read_letters(aligner: Aligner, sounds: Sequence[Samples]) -> list[Any]:
    """Log probabilities of shape (frames, letters) for each sound, on the CPU."""
    import torch

    given = aligner.extractor(
        list(sounds), sampling_rate=RATE_HZ, padding=True, return_attention_mask=True, return_tensors="pt"
    )
    mask = given.attention_mask.to(aligner.device) if aligner.together else None
    with torch.inference_mode():
        logits = aligner.model(given.input_values.to(aligner.device), attention_mask=mask).logits
        # Not in half precision, whatever the model computes in: sums over a thousand frames follow.
        read = torch.log_softmax(logits.float(), dim=-1).cpu()
    lengths = [int(aligner.model._get_feat_extract_output_lengths(len(sound))) for sound in sounds]
    return [row[:length] for row, length in zip(read, lengths, strict=True)]


def align_words(aligner: Aligner, words: Sequence[SaidWord], read: Any, seconds: float) -> list[SaidWord]:
    """The words of one window at the times that their letters are read; as they were where no path fits them."""
    from whisperx.alignment import backtrack, get_trellis, merge_repeats

    tokens, owners = _tokens(aligner, words, read.shape[1])
    if not tokens or len(tokens) > read.shape[0]:
        return list(words)
    read = _with_wildcard(read, aligner.blank)
    path = backtrack(get_trellis(read, tokens, aligner.blank), read, tokens, aligner.blank)
    if path is None:
        return list(words)
    per_frame = seconds / read.shape[0]
    timed = list(words)
    for owner, letter in zip(owners, merge_repeats(path, [""] * len(tokens)), strict=True):
        if owner == _NOWHERE:
            continue
        start, end = letter.start * per_frame, letter.end * per_frame
        first = timed[owner] is words[owner]
        timed[owner] = replace(timed[owner], start=start, end=end) if first else replace(timed[owner], end=end)
    return timed


def alignable(sound: Samples) -> bool:
    """Whether the model sees anything in it."""
    return len(sound) >= _LEAST_FRAMES


def _tokens(aligner: Aligner, words: Sequence[SaidWord], wildcard: int) -> tuple[list[int], list[int]]:
    """The letters of all words, and which word each belongs to."""
    tokens: list[int] = []
    owners: list[int] = []
    for place, word in enumerate(words):
        letters = [letter for letter in word.word.strip().lower() if letter in aligner.letters or letter.isalnum()]
        parted = word.word.startswith(" ") and spaced(word.word)
        if letters and tokens and parted and _BETWEEN in aligner.letters:
            tokens.append(aligner.letters[_BETWEEN])
            owners.append(_NOWHERE)
        tokens += [aligner.letters.get(letter, wildcard) for letter in letters]
        owners += [place] * len(letters)
    return tokens, owners


def _with_wildcard(read: Any, blank: int) -> Any:
    """One letter more, which is as probable as the likeliest that is there."""
    import torch

    others = torch.ones(read.shape[1], dtype=torch.bool)
    others[blank] = False
    return torch.cat([read, read[:, others].max(dim=1).values.unsqueeze(1)], dim=1)
