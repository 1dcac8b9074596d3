"""At risk: a long step of which the UI says nothing, and one that fills the log."""

import pytest

from octavia_dag.resources import progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def heard(reports: list[tuple[float, float]]) -> list[str]:
    """What is told of a step that reports at these moments (seconds after its begin, fraction)."""
    clock, said = Clock(), list[str]()
    listener = progress.throttled(said.append, every_s=10.0, now=clock)
    for moment, fraction in reports:
        clock.now = 100.0 + moment
        listener("stems", fraction)
    return said


def test_a_step_of_an_hour_that_reports_a_thousand_times_tells_at_most_every_ten_seconds() -> None:
    said = heard([(3.6 * n, n / 1000) for n in range(1001)])
    assert 300 <= len(said) <= 360
    assert said[0].startswith("stems: 0% after 11 s")
    assert "50% after" in said[len(said) // 2]


def test_what_is_left_is_told_from_the_pace_so_far() -> None:
    assert heard([(30.0, 0.25)]) == ["stems: 25% after 30 s, about 90 s left"]


@pytest.mark.parametrize("reports", [[(0.0, 0.0), (9.0, 1.0)], [(60.0, 1.0)], [(60.0, 0.0)]])
def test_of_a_short_step_and_of_its_begin_and_end_nothing_is_told(reports: list[tuple[float, float]]) -> None:
    assert heard(reports) == []


def test_both_the_command_and_the_log_hear_and_the_log_only_while_its_step_runs() -> None:
    command, log = list[float](), list[float]()
    progress.listen(lambda _, fraction: command.append(fraction))
    try:
        with progress.also(lambda _, fraction: log.append(fraction)):
            progress.report("stems", 0.5)
        progress.report("stems", 1.5)
    finally:
        progress.listen(None)
    assert (command, log) == ([0.5, 1.0], [0.5])
