"""At risk: an estimate without a source, or one that does not grow with what it is an estimate of."""

from itertools import pairwise

import pytest

from octavia_dag.gpu_figures import CARDS, FIGURES, stages, wall_seconds

HOUR_S = 3600.0


def seconds(card: str = "a100", video_s: float = HOUR_S, speakers: int = 4, *, batched: bool = True) -> float:
    return wall_seconds(stages(card, video_s, speakers, batched=batched))


def test_every_figure_names_its_source_and_every_estimate_says_that_it_is_one() -> None:
    for one in FIGURES:
        assert one.source
        assert one.published != ("estimate" in one.source), one.stage


def test_a_faster_card_never_takes_longer() -> None:
    ordered = sorted(CARDS, key=lambda card: CARDS[card])
    times = [seconds(card) for card in ordered]
    assert all(slow > fast for slow, fast in pairwise(times))


def test_twice_the_video_takes_twice_as_long_but_for_what_is_per_speaker() -> None:
    speakers = next(one for one in stages("a100", HOUR_S, 4) if one.name == "voice profiles").seconds
    assert seconds(video_s=2 * HOUR_S) - speakers == pytest.approx(2 * (seconds() - speakers))


def test_what_runs_beside_another_stage_adds_only_what_it_takes_longer() -> None:
    found = stages("a100", HOUR_S, 4)
    by_name = {one.name: one.seconds for one in found}
    hidden = min(by_name["diarization"], by_name["transcription"])
    assert sum(by_name.values()) - wall_seconds(found) == pytest.approx(hidden)


def test_batches_are_what_brings_an_hour_under_the_promise() -> None:
    assert seconds() / 60 < 28
    assert seconds(batched=False) > seconds()
