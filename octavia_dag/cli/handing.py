"""Handing over: the deliverable, its subtitles and its report, copied into the folder that the operator named.

A file is named after the source and the language, with the suffix of what was made: the same bytes under another
suffix are the same video, and a webm must not come out called .mkv. What would be overwritten or cannot be written is
refused before the work.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from octavia_dag.cli.folders import refuse_unusable
from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.resources.artifacts import Artifact, ArtifactStore, guarded
from octavia_dag.schema import FinalMux

OUT_REMEDY = "choose another --out"
_REPORT = ".qa.json"
_BESIDE = (".srt", ".vtt", _REPORT)
_LONGEST_NAME = 255  # bytes, of all file systems in use


def refuse_out(out: Path, sources: Sequence[Path], targets: Sequence[str]) -> None:
    """An InputError where the results of `sources` cannot be written to `out`, or would fall onto one another."""
    names = Counter(source.stem for source in sources)
    for name, count in names.items():
        if count > 1:
            raise InputError(
                f"{count} of the videos are called {name} and would be written to the same files; dub them one by one, "
                "each with an --out of its own."
            )
    refuse_unusable(out, "The folder for the results", OUT_REMEDY)
    for source in sources:
        refuse_results(out, source, sources, targets)


def refuse_results(out: Path, source: Path, sources: Sequence[Path], targets: Sequence[str]) -> None:
    """An InputError where a result of `source` in one of `targets` cannot be written, or would fall onto a source."""
    there = {one.resolve() for one in sources}
    for suffix in (source.suffix, source.suffix.lower(), *_BESIDE):
        for target in (_target(out, source, tag, suffix) for tag in targets):
            _refuse_target(target, there)


def hand_over(store: ArtifactStore, video: str, tag: str, source: Path, out: Path) -> list[Path]:
    """Copies the current results of `video` in `tag`, all of them or none, and returns where they lie now.

    A file that was handed over before is known by its time of change, which is the artifact's, and left alone.
    """
    mux, report = (_current(store, name, video, tag) for name in ("final_mux", "qa_report"))
    document = mux.read(FinalMux)
    files = [mux.file(name) for name in (document.video, document.srt, document.vtt) if name]
    pairs = [(path, path.suffix) for path in files] + [(report.file("qa_report.json"), _REPORT)]
    wanted = [(path, _target(out, source, tag, suffix)) for path, suffix in pairs]
    with ExitStack() as beside, guarded(f"Writing the results of {source.name} to {out}", remedy=OUT_REMEDY):
        out.mkdir(parents=True, exist_ok=True)
        copies = [(_copied(path, out, beside), target) for path, target in wanted if not _same(path, target)]
        for copy, target in copies:
            os.replace(copy, target)
    return [target for _, target in wanted]


def _target(out: Path, source: Path, tag: str, suffix: str) -> Path:
    return out / f"{source.stem}.{tag}{suffix}"


def _refuse_target(target: Path, sources: set[Path]) -> None:
    if len(os.fsencode(target.name)) > _LONGEST_NAME:
        raise InputError(f"{target.name} would be the name of a result, and is too long for one; rename the video.")
    try:
        folder = target.is_dir()
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror}); {OUT_REMEDY} or rename the video.") from error
    if folder or target.resolve() in sources:
        what = "a folder" if folder else "one of the videos to be dubbed"
        raise InputError(f"{target} is {what}, and would be the name of a result; {OUT_REMEDY}.")


def _current(store: ArtifactStore, name: str, video: str, tag: str) -> Artifact:
    artifact = store.current(name, video, tag)
    if artifact is None:
        raise OctaviaError(f"{name} of {video} is not there after its run; run the command again.")
    return artifact


def _copied(path: Path, out: Path, beside: ExitStack) -> Path:
    """A copy under a hidden name, which goes when `beside` closes unless it was renamed by then."""
    with tempfile.NamedTemporaryFile(dir=out, prefix=".", delete=False) as made:
        copy = Path(made.name)
    beside.callback(copy.unlink, missing_ok=True)
    shutil.copyfile(path, copy)
    copy.chmod(0o644)
    told = path.stat()
    os.utime(copy, ns=(told.st_atime_ns, told.st_mtime_ns))
    return copy


def _same(path: Path, target: Path) -> bool:
    if not target.is_file():
        return False
    one, other = path.stat(), target.stat()
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
