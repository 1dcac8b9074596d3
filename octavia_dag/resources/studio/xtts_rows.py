"""XTTS in batches: rows of equal token length, each of which draws from a stream of its own.

The library pads nothing (its attention mask is all ones), so only texts of one token length share a batch. It samples
from torch's one global stream, in which a row's codes would depend on what else is in the batch; here every row brings
a seed, and one number per step is drawn for it and looked up in its own distribution. A row is then the same alone or
among others, and on every device that computes the same probabilities.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octavia_dag.resources.engines import Samples

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Row:
    """One text of at most XTTS's own length, as tokens; whose voice it is to be; and the seed of its stream.

    `latents` (1, 32, width) condition the words, `timbre` (1, 512, 1) the sound; both on the CPU.
    """

    tokens: tuple[int, ...]
    latents: "torch.Tensor"
    timbre: "torch.Tensor"
    seed: int


def draw_codes(model: Any, rows: Sequence[Row]) -> "list[torch.Tensor]":
    """The audio codes of each row, up to and with its stop code: one pass of the GPT for all of them."""
    import torch
    from transformers import LogitsProcessorList

    told = model.config
    with torch.inference_mode():
        codes = model.gpt.generate(
            cond_latents=torch.cat([row.latents for row in rows]).to(model.device),
            text_inputs=torch.tensor([row.tokens for row in rows], device=model.device),
            # Greedy, because the draw is made before: what was drawn is all that is left to choose.
            do_sample=False,
            num_beams=1,
            repetition_penalty=told.repetition_penalty,
            length_penalty=told.length_penalty,
            output_attentions=False,
            logits_processor=LogitsProcessorList([_own_streams(told, [row.seed for row in rows])]),
        )
    return [_ended(row, int(model.gpt.stop_audio_token)) for row in codes.cpu()]


def latents_of(model: Any, row: Row, codes: "torch.Tensor") -> "torch.Tensor":
    """What the GPT hands to the decoder for a row's codes, (1, codes, width), on the CPU."""
    import torch

    with torch.inference_mode():
        return model.gpt(
            torch.tensor([row.tokens], device=model.device),
            torch.tensor([len(row.tokens)], device=model.device),
            codes[None].to(model.device),
            torch.tensor([len(codes) * model.gpt.code_stride_len], device=model.device),
            cond_latents=row.latents.to(model.device),
            return_attentions=False,
            return_latent=True,
        ).cpu()


def sound_of(model: Any, latents: "torch.Tensor", timbre: "torch.Tensor", speed: float) -> Samples:
    """The sound of kept latents at a speed: stretched before they are decoded, so the pitch stays.

    At 1.0 exactly what the library makes of them. Else the decoder's own frames are stretched (10.7 ms, a quarter of a
    code), because whole codes would miss the length of a short line by more than can be let pass: so it is met to half
    a frame, which is 2 % of 0.27 s and less of what is longer.
    """
    import torch
    from torch.nn.functional import interpolate

    decoder = model.hifigan_decoder
    with torch.inference_mode():
        given, voice = latents.to(model.device), timbre.to(model.device)
        if speed == 1.0:
            sound = decoder(given, g=voice)
        else:
            finer = decoder.ar_mel_length_compression / decoder.output_hop_length
            frames = interpolate(given.transpose(1, 2), scale_factor=finer, mode="linear")
            rate = decoder.output_sample_rate / decoder.input_sample_rate
            natural = math.floor(frames.shape[-1] * rate)  # as the library's own stretching to its rate rounds
            stretched = interpolate(frames, size=max(1, round(natural / speed)), mode="linear")
            sound = decoder.waveform_decoder(stretched, g=voice)
    return np.asarray(sound.cpu().numpy(), np.float32).reshape(-1)


def _ended(codes: "torch.Tensor", stop: int) -> "torch.Tensor":
    """The codes up to the first stop, which the library keeps too; all of them where none came."""
    stops = (codes == stop).nonzero()
    return codes[: int(stops[0]) + 1] if len(stops) else codes


def _own_streams(told: Any, seeds: Sequence[int]) -> Any:
    """A step of generation that draws each row's next code from its own stream, by what the library's warpers leave."""
    import torch
    from transformers import LogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    warpers = [TemperatureLogitsWarper(told.temperature), TopKLogitsWarper(told.top_k), TopPLogitsWarper(told.top_p)]
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    class OwnStreams(LogitsProcessor):
        def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
            left: Any = scores
            for warp in warpers:
                left = warp(input_ids, left)
            reached = torch.softmax(left.double(), dim=-1).cumsum(dim=-1)
            drawn = torch.stack([torch.rand(1, generator=one, dtype=torch.float64) for one in streams])
            # Below 1 times the whole: what has no share at all cannot be drawn.
            place = torch.searchsorted(reached, drawn.to(left.device) * reached[:, -1:], right=True)
            chosen: Any = torch.full_like(left, -torch.inf).scatter(1, place, 0.0)
            return chosen

    return OwnStreams()
