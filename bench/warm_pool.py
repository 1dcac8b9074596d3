"""A day of arrivals against a provider: how long the first worker takes and what a day costs, with a warm pool or none.

    python bench/warm_pool.py [--chart docs/warm-pool.svg]

Simulated, in steps of 5 s: bursts of 0 to 200 uploads at random moments (the same for each strategy), runs of 300 to
900 s, a provider that starts a worker for each waiting run (200 at the most), 75 s cold, and ends it 5 s after its
work where it is not kept up. A second of a worker costs the same whether it works, starts or waits.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from octavia_dag.cli.tables import aligned
from octavia_dag.fleet.warm_pool import Policy, Pool, Seen, decided

STEP_S = 5
DAY_S = 86_400
COLD_S = 75
DOWN_S = 5
MOST = 200
PRICE_PER_HOUR = 2.2  # of an A100 80 GB, about
POLICY = Policy(most=40, standby=2, standby_s=5400, drain_s=900, lease_s=60, price_per_hour=2.2, budget=120.0)

Keep = Callable[[Seen], int]


@dataclass
class Worker:
    """Up from `ready` on; busy until `free`."""

    ready: float
    free: float = 0.0
    idle_since: float = 0.0


@dataclass
class Day:
    """Seconds to the first worker of each burst and to each run's begin, money, workers over time."""

    first: list[float] = field(default_factory=list[float])
    begun: list[float] = field(default_factory=list[float])
    money: float = 0.0
    up: list[int] = field(default_factory=list[int])


def bursts(seed: int) -> list[tuple[int, list[float]]]:
    """Moments and the lengths of the runs that come at each: 40 bursts, most of them small, some of 200."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    moments = sorted(chance.randrange(6 * 3600, 23 * 3600) // STEP_S * STEP_S for _ in range(40))
    sizes = [chance.choice([0, 1, 1, 2, 3, 5, 8, 20, 60, 200]) for _ in moments]
    return [(at, [chance.uniform(300, 900) for _ in range(size)]) for at, size in zip(moments, sizes, strict=True)]


def simulated(arrivals: list[tuple[int, list[float]]], keep: Keep) -> Day:
    """The day under a strategy, which says at each step how many workers are kept up."""
    day, queue, workers, coming = Day(), list[tuple[int, float]](), list[Worker](), list(arrivals)
    unseen: set[int] = set()
    for now in range(0, DAY_S, STEP_S):
        while coming and coming[0][0] <= now:
            at, lengths = coming.pop(0)
            queue += [(at, length) for length in lengths]
            unseen |= {at} if lengths else set()
        minimum = keep(Seen(float(now), len(queue), sum(one.free > now for one in workers)))
        workers = _there(
            workers, now, min(MOST, max(minimum, sum(w.free > now for w in workers) + len(queue))), minimum
        )
        for one in [one for one in workers if one.ready <= now and one.free <= now]:
            if not queue:
                break
            at, length = queue.pop(0)
            one.free, one.idle_since = now + length, now + length
            day.begun.append(now - at)
            if at in unseen:
                unseen.discard(at)
                day.first.append(now - at)
        day.money += len(workers) * PRICE_PER_HOUR * STEP_S / 3600
        day.up.append(len(workers))
    return day


def _there(workers: list[Worker], now: int, wanted: int, minimum: int) -> list[Worker]:
    """The workers after the provider started what lacks and took down what idles beyond `minimum`."""
    kept = [one for one in workers if one.free > now or one.ready > now]
    idle = sorted((one for one in workers if one not in kept), key=lambda one: -one.idle_since)
    room = max(0, minimum - len(kept))
    kept += idle[:room] + [one for one in idle[room:] if now - one.idle_since <= DOWN_S]
    return kept + [Worker(now + COLD_S, idle_since=now + COLD_S) for _ in range(wanted - len(kept))]


def pool_of(policy: Policy) -> Keep:
    """The warm pool as a strategy."""
    pool = Pool()

    def keep(seen: Seen) -> int:
        nonlocal pool
        pool = decided(seen, pool, policy)
        return pool.minimum

    return keep


def main() -> None:
    """Prints the table, and draws the day where a chart is asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--chart", type=Path)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    arrivals = bursts(chosen.seed)
    days = {
        "none kept up": simulated(arrivals, lambda _: 0),
        "warm pool": simulated(arrivals, pool_of(POLICY)),
        "20 always on": simulated(arrivals, lambda _: 20),
    }
    rows = [("STRATEGY", "FIRST WORKER, MEDIAN", "LONGEST", "RUNS BEGUN, MEDIAN", "MONEY")]
    for name, day in days.items():
        first, begun = statistics.median(day.first), statistics.median(day.begun)
        rows.append((name, f"{first:.0f} s", f"{max(day.first):.0f} s", f"{begun:.0f} s", f"{day.money:.0f} USD"))
    sys.stdout.write("\n".join(aligned(rows)) + "\n")
    if chosen.chart:
        _drawn(arrivals, days, chosen.chart)


def _drawn(arrivals: list[tuple[int, list[float]]], days: dict[str, Day], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "warm-pool"
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, height_ratios=[1, 3])
    above.bar([at / 3600 for at, _ in arrivals], [len(runs) for _, runs in arrivals], width=0.06, color="#444")
    above.set_ylabel("uploads")
    for name, day in days.items():
        hours = [step * STEP_S / 3600 for step in range(len(day.up))]
        first = statistics.median(day.first)
        below.plot(hours[::12], day.up[::12], label=f"{name}: {day.money:.0f} USD, first worker in {first:.0f} s", lw=1)
    below.set_xlabel("hour of the day")
    below.set_ylabel("workers up")
    below.legend(loc="upper left", frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
