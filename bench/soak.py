"""Runs the tests of full counts in parts; a part that passed is not run again for the same code.

    python bench/soak.py [--again] [PART...]

A part is a file of tests, or twenty sequences of one. What passed, and in how many seconds, is kept in `.soak/`, under
a hash of the code and the tests: an interruption costs the part at work, a change of either begins anew.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".soak"
BLOCK = 20


def main() -> None:
    """Runs what is left, the parts that are named or all, and ends with 1 where one failed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("parts", nargs="*", help="beginnings of parts' names; without them, all")
    asked.add_argument("--again", action="store_true", help="also what passed before")
    chosen = asked.parse_args()
    kept = KEPT / _code()
    kept.mkdir(parents=True, exist_ok=True)
    parts = _parts()
    wanted = {name: ids for name, ids in parts.items() if not chosen.parts or name.startswith(tuple(chosen.parts))}
    failed = [name for name, ids in wanted.items() if not _passed(kept / f"{name}.passed", name, ids, chosen.again)]
    sys.stdout.write(f"{len(wanted) - len(failed)} of {len(parts)} parts passed\n")
    sys.exit(f"failed: {', '.join(failed)}" if failed else None)


def _passed(stamp: Path, name: str, ids: list[str], again: bool) -> bool:
    if stamp.exists() and not again:
        sys.stdout.write(f"{name}: passed before, {stamp.read_text()}\n")
        return True
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "soak", *ids],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = f"{len(ids)} tests in {time.monotonic() - started:.0f} s"
    if done.returncode:
        sys.stdout.write(f"{name}: failed, {told}\n{done.stdout[-8000:]}{done.stderr[-2000:]}\n")
        return False
    stamp.write_text(told)
    sys.stdout.write(f"{name}: passed, {told}\n")
    sys.stdout.flush()
    return True


def _parts() -> dict[str, list[str]]:
    """The tests of full counts, by part."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "soak"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = defaultdict(list)
    for line in listed.stdout.splitlines():
        if "::" not in line:
            continue
        name = Path(line.partition("::")[0]).stem
        seed = re.search(r"seed(\d+)", line)
        found[f"{name}-{int(seed[1]) // BLOCK:02d}" if seed else name].append(line)
    return found


def _code() -> str:
    """A hash of all that the tests depend on."""
    whole = hashlib.sha256()
    for path in sorted(path for folder in ("octavia_dag", "tests") for path in (ROOT / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


if __name__ == "__main__":
    main()
