"""What looking costs: `plan` for one video, and a tick of the automation with nothing to do, in catalogues of any size.

    python bench/scale.py [--settled] 10 1000 10000

Prints, for each number of videos in three languages: seconds to plan one video, of the first tick (which plans as much
as a tick may), how many ticks it takes until every video was judged, and of a tick after that. The catalogue is made of
records and pointers as a run writes them; nothing is dubbed, since a tick reads nothing else. With --settled the marks
are written as they are when every video was judged, which takes half an hour for ten thousand.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets.judging import Judge
from octavia_dag.definitions import workshop
from octavia_dag.graph import GRAPH
from octavia_dag.keys import recipe
from octavia_dag.partitions import VIDEOS
from octavia_dag.plan import Sight
from octavia_dag.resources.artifacts import KEY_LENGTH, MANIFEST, Current, Manifest, Origin
from octavia_dag.resources.videos import RECORD, VideoRecord
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import Marks, shared_mark, tick, video_marks

LANGUAGES = ("es", "fr", "pt-BR")
MINUTE_S = 60.0


def main() -> None:
    """The measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("videos", type=int, nargs="+")
    parser.add_argument("--settled", action="store_true")
    asked = parser.parse_args()
    for count in asked.videos:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{count} videos: {measure(Path(folder), count, at_once=asked.settled)}", flush=True)  # noqa: T201


def measure(home: Path, count: int, *, at_once: bool) -> str:
    """The figures of one catalogue, in words; `at_once`: after the first tick all count as judged."""
    environment = surroundings.read(home)
    tools = workshop(environment)
    names = fill(tools, count)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(VIDEOS.name or "", names)
        planned = timed(lambda: Judge(tools).plan(names[0]))
        assert Judge(tools).plan(names[0]).empty, "the catalogue was made wrongly"
        ticks = [timed(lambda: tick(tools, instance, ""))]
        if at_once:
            settle(Path(tools.store.root), shared_mark(tools))
        while len(Marks.read(Path(tools.store.root)).seen) < count:
            ticks.append(timed(lambda: tick(tools, instance, "")))
        idle = min(timed(lambda: tick(tools, instance, "")) for _ in range(3))
    longest = max(ticks)
    return (
        f"plan {planned:.3f} s, tick at first {ticks[0]:.2f} s, longest {longest:.2f} s, "
        f"{len(ticks)} ticks to judge all, idle tick {idle:.2f} s"
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def settle(store: Path, shared: str) -> None:
    """Writes the marks that are there when nothing of any video is left to do."""
    marks = Marks.read(store)
    marks.seen = video_marks(store, shared)
    marks.write()


def fill(tools: Workshop, count: int) -> list[str]:
    """Makes `count` videos with every asset made in every language, and returns their ids."""
    root = Path(tools.store.root)
    names = [f"talk-{number:08x}" for number in range(count)]
    for name in names:
        folder = root / "videos" / name
        (folder / "current").mkdir(parents=True)
        record = VideoRecord(
            id=name, name="talk.mp4", path="talk.mp4", sha256="f" * 64, size=1, seconds=MINUTE_S, requested=LANGUAGES
        )
        (folder / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
    made = pointers(tools, Judge(tools).sight(names[0]))
    texts = {pointer_name(one): one.model_dump_json() for one in made}
    publish(root, made)
    for name in names:
        for asset in GRAPH if name != names[0] else ():
            (root / "videos" / name / asset).symlink_to(root / "videos" / names[0] / asset)
        for file, text in texts.items():
            (root / "videos" / name / "current" / file).write_text(text.replace(names[0], name), encoding="utf-8")
    return names


def publish(root: Path, made: list[Current]) -> None:
    """Artifacts without files that the pointers name; those of one video serve all."""
    for one in made:
        place = root / "videos" / one.video / one.asset / (one.language or "") / one.key[:KEY_LENGTH]
        place.mkdir(parents=True)
        told = one.model_dump(include=set(Origin.model_fields))
        manifest = Manifest(**told, files={}, busy_seconds=1.0)
        (place / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")


def pointer_name(one: Current) -> str:
    """The file of a pointer, as the store names it."""
    return f"{one.asset}.{one.language}.json" if one.language else f"{one.asset}.json"


def pointers(tools: Workshop, sight: Sight) -> list[Current]:
    """What a run of everything would leave."""
    judge, made = Judge(tools), dict[tuple[str, str | None], Current]()
    for node in GRAPH.values():
        for language in (None,) if node.granularity == "video" else sight.languages:
            above = {n: made[n, language if GRAPH[n].granularity == "dub" else None] for n in node.inputs}
            settings = sight.settings[language]
            found = recipe(
                node,
                language,
                inputs={n: one.data_version for n, one in above.items()} or {"file": sight.file},
                settings=settings,
                engines=judge.engines(node, settings),
                extras={},
            )
            made[node.name, language] = Current(
                asset=node.name,
                video=sight.video,
                language=language,
                key=found.key,
                data_version=found.key[:32],
                code_version=found.code_version,
                inputs=dict(found.inputs),
                settings=dict(found.settings),
                engines=dict(found.engines),
                counts={},
                seconds=1.0,
            )
    return list(made.values())


if __name__ == "__main__":
    main()
