"""Shows a dub that goes through two Celery workers, step by step: `make fleet-demo`.

Redis and Postgres are Debian's, on free ports of this machine, and end with the demo; the engines are embedded ones.
What is printed for each step is what the worker itself told Dagster.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import dagster as dg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "fakes"))
from fleet_room import WORKERS, Fleet, fleet_room
from octavia_command import make_octavia

from octavia_dag import environment
from octavia_dag.cli.sample import build
from octavia_dag.cli.tables import aligned

LIMIT_S = 1200.0


def main() -> None:
    """Dubs the sample, and tells who did what."""
    models_dir = str(environment.read().models_dir)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        video = folder / "sample.mp4"
        build(video, models_dir)
        octavia = make_octavia(folder, models_dir)
        settings = {"engines": {"compute": "local"}}
        with fleet_room(octavia, folder, settings, steps="celery", languages=("pt-BR",)) as fleet:
            sys.stdout.write(f"Two workers wait at {fleet.redis.url}; the sample is dropped.\n")
            sys.stdout.flush()
            fleet.drop([video])
            fleet.wait(lambda: fleet.handed() == 1, LIMIT_S, "the dub")
            sys.stdout.write("\n".join(aligned([["STEP", "WORKER", "PROCESS"], *_told(fleet)])) + "\n")
            (result,) = fleet.results()
            out = Path("out")
            out.mkdir(exist_ok=True)
            for name in result["files"]:
                shutil.copyfile(result["folder"] / name, out / name)
            sys.stdout.write(f"{result['state']}: {', '.join(f'out/{name}' for name in sorted(result['files']))}\n")


def _told(fleet: Fleet) -> list[list[str]]:
    """Each step, in the order in which they were done."""
    logs = {name: (fleet.folder / f"{name}.log").read_text() for name in WORKERS}
    rows: list[list[str]] = []
    with fleet.instance() as instance:
        for job in ("analyse_video", "dub_video"):
            (run,) = fleet.runs(job)
            records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS).records
            for one in records:
                step = one.event_log_entry.step_key or ""
                told = f"{run.run_id} - "
                for name, log in logs.items():
                    lines = [line for line in log.splitlines() if told in line and f" - {step} - STEP_SUCCESS" in line]
                    rows += [[step, name, line.split(told)[1].split(" ")[0]] for line in lines]
    return rows


if __name__ == "__main__":
    main()
