"""At risk: turns of another sound or of other settings, a failure that is swallowed, and an engine asked twice."""

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from octavia_dag.assets import diarizing
from octavia_dag.assets.step import Work
from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Diarizer, EngineInfo, Samples
from octavia_dag.schema import Span, Turn
from octavia_dag.settings import Layer, effective

SOUND = np.ones(16_000, np.float32)
REGIONS = (Span(start=0.0, end=1.0),)
BESIDE = "beside"
CALLS: list[str] = []


class Beside(Diarizer):
    """Tells in which thread it worked; fails where it is told to."""

    model: str = "one"
    works_alongside: bool = True
    fails: bool = False

    @property
    def alongside(self) -> bool:
        return self.works_alongside

    def info(self) -> EngineInfo:
        return EngineInfo(name="beside", revision=self.model, licence="MIT")

    def diarize(self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int) -> list[Turn]:
        CALLS.append("main" if threading.current_thread() is threading.main_thread() else BESIDE)
        if self.fails:
            raise EngineError("It would not.")
        return [Turn(speaker="A", start=0.0, end=float(maximum))]


@pytest.fixture(autouse=True)
def calls() -> list[str]:
    CALLS.clear()
    diarizing._BEGUN.clear()  # pyright: ignore[reportPrivateUsage]
    return CALLS


def work(engine: Diarizer, layer: Layer | None = None, video: str = "talk") -> Work:
    told: Any = SimpleNamespace(video=video, settings=effective([layer or {}]), engine=lambda role, name: engine)  # pyright: ignore[reportUnknownLambdaType]
    return cast(Work, told)


def test_what_was_begun_beside_is_taken_and_not_heard_again(calls: list[str]) -> None:
    one = work(Beside())
    diarizing.begin(one, "stems-1", SOUND, REGIONS)
    turns, _ = diarizing.who_speaks(one, "stems-1", SOUND, REGIONS)
    assert calls == [BESIDE]
    assert turns == [Turn(speaker="A", start=0.0, end=8.0)]


@pytest.mark.parametrize(
    ("asked", "version", "regions"),
    [
        (work(Beside(), video="another"), "stems-1", REGIONS),
        (work(Beside()), "stems-2", REGIONS),
        (work(Beside()), "stems-1", (Span(start=0.0, end=0.5),)),
        (work(Beside(), {"diarization": {"max_speakers": 3}}), "stems-1", REGIONS),
        (work(Beside(model="two")), "stems-1", REGIONS),
    ],
)
def test_what_was_begun_for_anything_else_is_not_taken(
    asked: Work, version: str, regions: tuple[Span, ...], calls: list[str]
) -> None:
    diarizing.begin(work(Beside()), "stems-1", SOUND, REGIONS)
    turns, _ = diarizing.who_speaks(asked, version, SOUND, regions)
    assert "main" in calls
    assert turns[0].end == asked.settings.diarization.max_speakers


def test_an_engine_that_does_not_gain_by_it_is_not_begun(calls: list[str]) -> None:
    one = work(Beside(works_alongside=False))
    diarizing.begin(one, "stems-1", SOUND, REGIONS)
    assert calls == []
    diarizing.who_speaks(one, "stems-1", SOUND, REGIONS)
    assert calls == ["main"]


def test_a_failure_is_told_to_whoever_asks_for_the_outcome() -> None:
    one = work(Beside(fails=True))
    diarizing.begin(one, "stems-1", SOUND, REGIONS)
    with pytest.raises(EngineError, match="It would not"):
        diarizing.who_speaks(one, "stems-1", SOUND, REGIONS)


def test_of_two_that_were_begun_only_the_last_is_kept(calls: list[str]) -> None:
    first, second = work(Beside()), work(Beside(), video="another")
    diarizing.begin(first, "stems-1", SOUND, REGIONS)
    diarizing.begin(second, "stems-1", SOUND, REGIONS)
    diarizing.who_speaks(second, "stems-1", SOUND, REGIONS)
    diarizing.who_speaks(first, "stems-1", SOUND, REGIONS)
    assert sorted(calls) == [BESIDE, BESIDE, "main"]
