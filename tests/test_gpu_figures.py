"""At risk: an estimate without a source, or one that does not grow with what it is an estimate of."""

from itertools import pairwise

import pytest

from octavia_dag.cli.gpu_planning import told_gpu
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


def test_an_hour_of_four_speakers_is_the_sum_of_the_published_figures() -> None:
    """Summed by hand from what the sources say, each on its own card, at the ratio of the data sheets' bandwidths."""
    a100 = 2039
    separation = 3600 * (5 / 180) * 936 / a100  # a track of 3 minutes in 5 s on a 3090
    diarization = 31 * 3350 / a100  # an hour in 31 s on an H100
    transcription = 2400 * (17 / 780) * 608 / a100  # 13 minutes of speech in 17 s on a 3070 Ti
    translation = 700 * 3 * (0.78 / 60) * 320 / a100  # 60 segments in 0.78 s on a T4, a model three times as large
    speech = 2400 * (600 / 36_000) * 936 / a100  # 10 hours in 10 minutes on a 3090
    alignment, voices, before, after = 20, 4, 15, 40  # estimates, and said to be
    told = {one.name: one.seconds for one in stages("a100", HOUR_S, 4)}
    assert told["separation"] == pytest.approx(separation)
    assert told["diarization"] == pytest.approx(diarization)
    assert told["transcription"] == pytest.approx(transcription)
    together = before + separation + max(diarization, transcription) + alignment + voices + translation + speech + after
    assert seconds() == pytest.approx(together)
    assert f"all: {together / 60:.1f} minutes with speech in batches" in "\n".join(told_gpu("a100", HOUR_S, 4))
