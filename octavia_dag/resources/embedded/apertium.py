"""Rule-based translation by the `apertium` program, for the pairs whose data is installed on the machine.

Rough (words it does not know stay as they are), but it serves pairs for which no neural weights are at hand. One
process per call, in a group of its own, killed when it takes too long: a text goes in and comes out as one paragraph,
so that its grammar never joins two lines.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence

import langcodes
from langcodes.tag_parser import LanguageTagError

from octavia_dag.errors import EngineError
from octavia_dag.resources.stopwatch import busy

# A bare "pt" of Apertium is European as a target, and any Portuguese as a source.
_AS_SOURCE = {"pt": "pt-BR"}
_AS_TARGET = {"pt": "pt-PT"}
_TAIL = 300


class Apertium:
    """The program `program`; `timeout_s` bounds a call, plus a second for every ten texts."""

    def __init__(self, program: str = "apertium", *, timeout_s: float = 30.0) -> None:
        self._program = program
        self._timeout_s = timeout_s

    def modes(self) -> dict[tuple[str, str], str]:
        """The pairs of language tags that are installed, with the program's own name for each; empty without it."""
        if shutil.which(self._program) is None:
            return {}
        found: dict[tuple[str, str], str] = {}
        for name in self._run(["-l"], "", self._timeout_s).split():
            pair = _pair(name)
            if pair and len(name) <= len(found.get(pair, name)):
                found[pair] = name
        return found

    def translate(self, texts: Sequence[str], mode: str) -> list[str]:
        """One translation per text; an EngineError when the program fails, hangs or loses a text."""
        given = [" ".join(text.split()) for text in texts]
        with busy("engine", "apertium"):
            answer = self._run(["-u", "-n", mode], "\n\n".join(given) + "\n", self._timeout_s + len(given) / 10)
        made = [" ".join(part.split()) for part in re.split(r"\n\s*\n", answer.strip())]
        if len(made) != len(given) or not all(made):
            raise EngineError(
                f"Translating {len(given)} lines with apertium {mode} gave {sum(map(bool, made))} back; "
                "run 'octavia doctor', and reinstall the pair's package."
            )
        return made

    def _run(self, arguments: list[str], text: str, timeout_s: float) -> str:
        what = f"Running {self._program} {' '.join(arguments)}"
        process = subprocess.Popen(
            [self._program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output, error = process.communicate(text.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired as late:
            raise EngineError(
                f"{what} took longer than {timeout_s:.0f} s; give it shorter lines, or try again."
            ) from late
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode != 0:
            tail = error.decode(errors="replace").strip()[-_TAIL:]
            raise EngineError(f"{what} failed (exit {process.returncode}: {tail}); reinstall the pair's package.")
        return output.decode(errors="replace")


def _pair(name: str) -> tuple[str, str] | None:
    """The language tags of a mode: "eng-spa" is en to es, "es-pt_BR" is es to pt-BR; None for other modes."""
    source, _, target = name.partition("-")
    try:
        if not (langcodes.tag_is_valid(source.replace("_", "-")) and langcodes.tag_is_valid(target.replace("_", "-"))):
            return None
        one, other = (langcodes.standardize_tag(tag.replace("_", "-")) for tag in (source, target))
    except LanguageTagError:
        return None
    return _AS_SOURCE.get(one, one), _AS_TARGET.get(other, other)
