"""What a person sees while it works: the asset in hand, how far all is, and how long it will still take.

The time left comes from each asset's usual share of a run and the pace so far. On a terminal it is one moving line; in
a log one line per finished asset. Everything goes to stderr, so that `--json` keeps stdout to itself.
"""

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from octavia_dag.graph import GRAPH, Granularity, of_granularity
from octavia_dag.resources import progress as channel

_JOBS: dict[str, Granularity] = {"analyse_video": "video", "dub_video": "dub"}
_REDRAW_S = 0.2


class Progress:
    """Tells of one video after the other."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._moving = sys.stderr.isatty() and not quiet
        self._started = self._drawn = self._asset_started = time.monotonic()
        self._done: dict[str, float] = {}
        self._total = 1.0
        self._finished = 0.0

    def begin(self, name: str, languages: int) -> None:
        """A new video begins, to be dubbed into so many languages."""
        self._started = time.monotonic()
        shares = {kind: sum(node.share for node in of_granularity(kind)) for kind in _JOBS.values()}
        self._total = shares["video"] + languages * shares["dub"]
        self._finished = 0.0
        self._say(f"{name}:")

    @contextmanager
    def of(self, job: str) -> Generator[None]:
        """Listens to the steps of one run."""
        self._done = {}
        channel.listen(self._hear)
        try:
            yield
            self._finished += sum(node.share for node in of_granularity(_JOBS[job]))
        finally:
            channel.listen(None)
            self._clear()

    def planned(self, sentences: Sequence[str]) -> None:
        """What will be made, said before anything is."""
        for sentence in sentences:
            self._say(f"  {sentence}")

    def passed(self, job: str) -> None:
        """A job whose every asset is as it should be; nothing is launched."""
        self._finished += sum(node.share for node in of_granularity(_JOBS[job]))

    def begins(self, tag: str, cores: int) -> None:
        """One language begins beside others; `done`, `waits` or `failed` tells its end."""
        self._say(f"  {tag}: begins in a process of its own, with {cores} of the cores")

    def failed(self, sentence: str, tag: str | None = None) -> None:
        """One video or language failed."""
        if tag is not None:
            self._say(f"  {tag}: failed")
        click.echo(f"octavia: {sentence}", err=True)

    def waits(self, tag: str, what: str) -> None:
        """One language waits for a person."""
        self._say(f"  {tag}: {what}")

    def done(self, tag: str, outputs: Sequence[str], flags: Sequence[str], *, nothing: bool) -> None:
        """One language is handed over."""
        what = "nothing to dub, handed on untouched" if nothing else "done"
        self._say(f"  {tag}: {what} in {time.monotonic() - self._started:.0f} s")
        for path in outputs:
            self._say(f"    {Path(path)}")
        for flag in flags:
            self._say(f"    note: {flag}")

    def _hear(self, asset: str, fraction: float) -> None:
        now = time.monotonic()
        if fraction == 0.0:
            self._asset_started = now
        already = self._done.get(asset, 0.0) == 1.0
        self._done[asset] = fraction
        if fraction == 1.0 and not already:
            self._clear()
            self._say(f"  {asset}  {now - self._asset_started:.1f} s{self._left(now)}")
        elif self._moving and now - self._drawn > _REDRAW_S:
            self._drawn = now
            click.echo(f"\r\033[K  {asset}  {fraction:.0%}{self._left(now)}", nl=False, err=True)

    def _left(self, now: float) -> str:
        reached = self._finished + sum(GRAPH[name].share * part for name, part in self._done.items())
        if reached < 0.05 * self._total:
            return ""
        return f"  ({reached / self._total:.0%}, {(now - self._started) * (self._total / reached - 1):.0f} s left)"

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)

    def _clear(self) -> None:
        if self._moving:
            click.echo("\r\033[K", nl=False, err=True)
