"""A plan in words: what would be made and why, what may follow, what is reused, and what it will take."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from octavia_dag.plan import NEVER, Item, Plan
from octavia_dag.settings import Settings

_MADE = ("make", "reuse")
_HOUR_S = 3600.0
APPROVE = "read it with 'octavia review export {video} --to {language}', then 'octavia review approve' it"


def told_plan(plan: Plan, settings: Settings) -> list[str]:
    """The lines an operator reads before anything is launched."""
    left = list(
        dict.fromkeys(_state(plan, item) for item in plan.of("waiting", "held") if item.causes or item.state == "held")
    )
    if plan.empty:
        return [*left, "Nothing to do: everything is as it should be." if not left else "Nothing to do."]
    lines = [_line(item) for item in plan.of(*_MADE) if item.causes != (NEVER,)]
    new = [item for item in plan.of("make", "may follow") if NEVER in item.causes]
    if new:
        lines.append(f"never made yet: {_names(new)}")
    follow = [item for item in plan.of("may follow") if NEVER not in item.causes]
    if follow:
        lines.append(f"may follow: {_names(follow)}")
    return [*lines, *left, *_cost(plan, settings)]


def plan_json(plan: Plan, settings: Settings) -> dict[str, Any]:
    """The same for another program."""
    sure, possible = plan.seconds("make"), plan.seconds("may follow")
    return {
        "video": plan.video,
        "empty": plan.empty,
        "items": [asdict(item) for item in plan.items],
        "seconds": sure,
        "seconds_that_may_follow": possible,
        "price": None if sure is None or not settings.costs.gpu_hour else _price(sure, settings),
        "currency": settings.costs.currency,
    }


def _line(item: Item) -> str:
    what = "put back" if item.state == "reuse" else "make"
    return f"{what} {_name(item)}: {'; '.join(item.causes) or 'an earlier outcome is wanted again'}"


def _state(plan: Plan, item: Item) -> str:
    if item.state == "waiting":
        return f"waiting for approval: {item.language}; {APPROVE.format(video=plan.video, language=item.language)}"
    return f"held, since its transcript cannot be used: {item.language}"


def _name(item: Item) -> str:
    return item.asset if item.language is None else f"{item.asset} ({item.language})"


def _names(items: Sequence[Item]) -> str:
    """`a, b (es), c (es)` as `a; b, c in es`."""
    languages = dict.fromkeys(item.language for item in items)
    parts = {one: ", ".join(item.asset for item in items if item.language == one) for one in languages}
    return "; ".join(names if one is None else f"{names} in {one}" for one, names in parts.items())


def _cost(plan: Plan, settings: Settings) -> list[str]:
    sure, possible = plan.seconds("make"), plan.seconds("may follow")
    if sure is None:
        return ["takes: not known yet, nothing like it was made here before"]
    told = f"takes about {sure:.0f} s"
    if possible:
        told += f", up to {sure + possible:.0f} s with what may follow"
    if settings.costs.gpu_hour:
        most = sure + (possible or 0.0)
        told += f"; about {_price(sure, settings)} to {_price(most, settings)} {settings.costs.currency}"
    return [told]


def _price(seconds: float, settings: Settings) -> float:
    return round(seconds / _HOUR_S * settings.costs.gpu_hour, 4)
