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
from pathlib import Path

from octavia_dag.cli.folders import refuse_unusable
from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.resources.artifacts import Artifact, ArtifactStore, guarded
from octavia_dag.schema import FinalMux

OUT_REMEDY = "choose another --out"
_REPORT = ".qa.json"


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
    there = {source.absolute() for source in sources}
    for source in sources:
        for suffix in (source.suffix, _REPORT):
            for target in (_target(out, source, tag, suffix) for tag in targets):
                _refuse_target(target, there)


def hand_over(store: ArtifactStore, video: str, tag: str, source: Path, out: Path) -> list[Path]:
    """Copies the current results of `video` in `tag` and returns where they lie now."""
    mux, report = (_current(store, name, video, tag) for name in ("final_mux", "qa_report"))
    document = mux.read(FinalMux)
    files = [mux.file(name) for name in (document.video, document.srt, document.vtt) if name]
    pairs = [(path, path.suffix) for path in files] + [(report.file("qa_report.json"), _REPORT)]
    return [_copied(path, _target(out, source, tag, suffix)) for path, suffix in pairs]


def _target(out: Path, source: Path, tag: str, suffix: str) -> Path:
    return out / f"{source.stem}.{tag}{suffix}"


def _refuse_target(target: Path, sources: set[Path]) -> None:
    try:
        folder = target.is_dir()
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror}); {OUT_REMEDY} or rename the video.") from error
    if folder or target.absolute() in sources:
        what = "a folder" if folder else "one of the videos to be dubbed"
        raise InputError(f"{target} is {what}, and would be the name of a result; {OUT_REMEDY}.")


def _current(store: ArtifactStore, name: str, video: str, tag: str) -> Artifact:
    artifact = store.current(name, video, tag)
    if artifact is None:
        raise OctaviaError(f"{name} of {video} is not there after its run; run the command again.")
    return artifact


def _copied(path: Path, target: Path) -> Path:
    with guarded(f"Writing {target}", remedy=OUT_REMEDY):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as beside:
            temporary = Path(beside.name)
        try:
            shutil.copyfile(path, temporary)
            temporary.chmod(0o644)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    return target
