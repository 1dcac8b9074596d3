"""`octavia plan --gpu`: what an hour of video would take on a card, from published figures, each with its source."""

from collections.abc import Sequence

from octavia_dag.cli.tables import aligned
from octavia_dag.errors import InputError
from octavia_dag.gpu_figures import CARDS, OURS_MINUTES, PROMISED_MINUTES, Stage, stages, wall_seconds


def told_gpu(card: str, video_s: float, speakers: int) -> list[str]:
    """The lines of the estimate; an InputError names the cards there are figures for."""
    if card not in CARDS:
        raise InputError(f"Estimating on {card!r}: there are figures for {', '.join(sorted(CARDS))}; name one of them.")
    batched, single = stages(card, video_s, speakers), stages(card, video_s, speakers, batched=False)
    head = f"{video_s / 60:.0f} minutes of video, {_people(speakers)}, on one {card.upper()}; not measured here:"
    lines = [head, *aligned([("STAGE", "SECONDS", "FROM"), *map(_row, batched)])]
    low, high = PROMISED_MINUTES
    together, alone = (wall_seconds(one) / 60 for one in (batched, single))
    lines.append(
        f"all: {together:.1f} minutes with speech in batches, {alone:.1f} line by line; models loaded, diarization "
        "beside transcription"
    )
    if video_s == 3600 and card == "a100":
        lines.append(f"promised for this: {low} to {high} minutes; our aim: {OURS_MINUTES}")
    return lines


def _people(count: int) -> str:
    return "1 speaker" if count == 1 else f"{count} speakers"


def _row(stage: Stage) -> Sequence[str]:
    notes = [stage.source]
    if stage.scaled_from:
        notes.append(f"scaled from {stage.scaled_from.upper()} by memory bandwidth")
    if stage.beside:
        notes.append(f"runs beside {stage.beside}")
    return (stage.name, f"{stage.seconds:.0f}", "; ".join(notes))
