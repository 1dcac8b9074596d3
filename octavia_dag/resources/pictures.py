"""Small pictures for the catalogue: what a sound, its spectrum, a timeline of turns, or the rates of lines look like.

They are stored with every materialization, so each is a PNG of few colours under 30 kB, drawn from streamed peaks
with the Agg canvas: no window, no global pyplot state, safe beside other threads.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from octavia_dag.resources.sound import extremes, glimpses, info
from octavia_dag.schema import PlacedLine, SpokenLine, Turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 800  # peaks drawn, about one per pixel
_DPI = 100
_PALETTE = 24
_INK = "#33658a"
_WINDOW = 2048
_ROWS, _LOWEST_HZ, _HIGHEST_HZ = 48, 60.0, 16000.0  # a row is a sixth of an octave
_SPECTRAL_COLUMNS = 400
_DEPTH_DB, _STEPS = 75.0, 16  # below its loudest spot; in so many shades, since noise does not compress
_COLOURS = ("#33658a", "#d1495b", "#2e933c", "#edae49", "#6f4e7c", "#00798c", "#8d6a3f", "#777777")


def load() -> None:
    """Loads what draws, for half a second, while something else is waited for."""
    _, axes = _canvas(1.0)
    axes.set_title("0")


def waveform_png(path: Path) -> bytes:
    """Highest and lowest sample over time of a sound file of any length, all channels together."""
    told = info(path)
    low, high = extremes(path, COLUMNS)
    figure, axes = _canvas(1.4)
    axes.fill_between(np.linspace(0.0, told.seconds, len(low)), low, high, color=_INK, linewidth=0.5, edgecolor=_INK)
    axes.set_ylim(-1.0, 1.0)
    axes.set_yticks([])
    return _png(figure, axes, told.seconds)


def spectrogram_png(path: Path) -> bytes:
    """How strong each pitch is over time, in dB under the loudest spot, for a sound file of any length."""
    told = info(path)
    edges = np.geomspace(_LOWEST_HZ, min(_HIGHEST_HZ, 0.5 * told.rate), _ROWS + 1)
    columns = [_bands(one, told.rate, edges) for one in glimpses(path, _SPECTRAL_COLUMNS, _WINDOW)]
    level = 10 * np.log10(np.maximum(np.stack(columns, axis=1), 1e-12))
    shade = np.clip((level - level.max()) / _DEPTH_DB + 1.0, 0.0, 1.0) if level.max() > -110.0 else np.zeros_like(level)
    figure, axes = _canvas(1.7)
    stepped = np.round(shade * (_STEPS - 1)) / (_STEPS - 1)
    place = (0.0, max(told.seconds, 1e-3), 0.0, float(_ROWS))
    axes.imshow(
        stepped, aspect="auto", origin="lower", extent=place, cmap="magma", interpolation="nearest", vmin=0, vmax=1
    )
    marks = {name: hz for name, hz in (("100", 100), ("1k", 1000), ("10k", 10000)) if hz < edges[-1]}
    axes.set_yticks(np.interp(np.log([*marks.values()]), np.log(edges), np.arange(_ROWS + 1)), [*marks])
    return _png(figure, axes, told.seconds)


def of_sound(path: Path) -> dict[str, bytes]:
    """Waveform and spectrogram of a sound file."""
    return {"waveform": waveform_png(path), "spectrogram": spectrogram_png(path)}


def timeline_png(turns: Sequence[Turn | PlacedLine], seconds: float) -> bytes:
    """Who speaks when: one row per speaker, in the order in which they first speak."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    figure, axes = _canvas(0.7 + 0.25 * max(1, min(len(speakers), 12)))
    for row, speaker in enumerate(speakers):
        bars = [(turn.start, turn.seconds) for turn in turns if turn.speaker == speaker]
        axes.broken_barh(bars, (row - 0.35, 0.7), color=_COLOURS[row % len(_COLOURS)])
    axes.set_yticks(range(len(speakers)), speakers)
    axes.set_ylim(max(len(speakers), 1) - 0.5, -0.5)
    return _png(figure, axes, seconds)


def rates_png(lines: Sequence[PlacedLine] | Sequence[SpokenLine], *, free: float = 1.2, most: float = 1.3) -> bytes:
    """Speaking rate of every line, in order; `free` and `most` are drawn as the limits that they are."""
    figure, axes = _canvas(1.6)
    rates = [line.rate for line in lines]
    colours = [_COLOURS[1] if rate > most else _COLOURS[3] if rate > free else _INK for rate in rates]
    axes.vlines(range(len(rates)), 1.0, rates, colors=colours, linewidth=1.0)
    axes.scatter(range(len(rates)), rates, c=colours, s=8)
    for limit in (1.0, free, most):
        axes.axhline(limit, color="#999999", linewidth=0.5)
    axes.set_ylabel("rate", fontsize=7)
    return _png(figure, axes, max(len(rates) - 1, 1), margin=0.5)


def as_markdown(png: bytes, alt: str) -> str:
    """The picture as one line of markdown that carries it, for a metadata entry."""
    return f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"


def _bands(block: NDArray[np.float32], rate: int, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power between neighbouring `edges` (Hz), over the windows and channels of a block that may be short."""
    window = np.hanning(_WINDOW)[:, None]
    padded = np.pad(block, ((0, max(0, _WINDOW - len(block))), (0, 0)))
    starts = range(0, len(padded) - _WINDOW + 1, _WINDOW // 2)
    power = np.mean(
        [np.abs(np.fft.rfft(padded[at : at + _WINDOW] * window, axis=0)) ** 2 for at in starts], axis=(0, 2)
    )
    # Low rows are narrower than a bin: the sum up to an edge is read between the bins.
    total = np.concatenate([[0.0], np.cumsum(power)])
    bins = (np.arange(len(total)) - 0.5) * rate / _WINDOW
    return np.diff(np.interp(edges, bins, total)) / np.diff(edges)


def _canvas(height_in: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, height_in), dpi=_DPI)
    below = 0.25 / height_in
    axes = figure.add_axes((0.08, below, 0.9, 0.94 - below))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelsize=7, length=2)
    return figure, axes


def _png(figure: "Figure", axes: "Axes", end: float, *, margin: float = 0.0) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    axes.set_xlim(-margin, max(end, 1e-3) + margin)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    out = io.BytesIO()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    drawn.quantize(_PALETTE).save(out, format="png", optimize=True)
    return out.getvalue()
