"""Condensing on this machine, by the rules of dubbing/condensation.py: no model, no network, no surprise.

It answers only where the rules reach the length asked for; a text that is merely a little shorter is for the caller to
ask for with a larger ratio.
"""

from octavia_dag.dubbing.condensation import languages, shorter_text
from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.resources.engines import Condenser, EngineInfo
from octavia_dag.resources.stopwatch import busy


class RuleCondenser(Condenser):
    """Rules for Portuguese (Brazilian), Spanish and English; other languages are never shortened."""

    def info(self) -> EngineInfo:
        """The rules are the project's own."""
        return EngineInfo(name="rules", revision="1", licence="Apache-2.0", languages=languages())

    def condense(self, text: str, original: str, language: str, ratio: float) -> str | None:
        """The least changed text of at most `ratio` times the predicted length; None where the rules fall short."""
        if ratio >= 1.0:
            return text
        with busy("engine", "rules"):
            shorter = shorter_text(text, language, ratio)
            reached = predicted_seconds(shorter, language) <= ratio * predicted_seconds(text, language)
        return shorter if reached and shorter != text else None
