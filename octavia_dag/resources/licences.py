"""What may be sold: a catalogue that is used commercially refuses weights whose licence forbids it, before any work."""

from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import Engine

COMMERCIAL = "commercial"


def refuse_forbidden(engine: Engine, place: str, use: str, language: str | None = None) -> None:
    """A SettingsError where `use` is commercial and a part of `engine` may not be used so; it names the replacement.

    `place` is the setting that chose the engine; `language` is that of the work, where parts differ by it.
    """
    if use != COMMERCIAL:
        return
    for licence in engine.licences(language):
        if not licence.commercial:
            where = f" for {language}" if language else ""
            raise SettingsError(
                f"{place} chooses {licence.part}{where}, whose licence ({licence.name}) forbids commercial use, and "
                f"catalogue.use is commercial; use {licence.instead or 'another one'} instead."
            )
