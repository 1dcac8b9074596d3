"""At risk: a dub that is sold, made with weights that may not be."""

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import EngineInfo, Licence, Translator
from octavia_dag.resources.licences import refuse_forbidden


class Restricted(Translator):
    """May not be sold; for French neither may a part of it that other languages do not use."""

    def info(self) -> EngineInfo:
        return EngineInfo(name="restricted", revision="1", licence="CC-BY-NC-4.0")

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        whole = Licence(part="the weights", name="MIT")
        french = Licence(part="the French part", name="CC-BY-NC-4.0", commercial=False, instead="the permitted part")
        return (whole, french) if language == "fr" else (whole,)

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset()

    def translate(self, texts: object, source: str, target: str) -> list[str]:
        return []


def test_a_part_that_may_not_be_sold_is_refused_with_what_to_use_instead() -> None:
    with pytest.raises(
        SettingsError, match=r"translation\.engine chooses the French part for fr.*use the permitted part"
    ):
        refuse_forbidden(Restricted(), "translation.engine", "commercial", "fr")


@pytest.mark.parametrize(("use", "language"), [("research", "fr"), ("commercial", "pt"), ("commercial", None)])
def test_what_may_be_used_passes(use: str, language: str | None) -> None:
    refuse_forbidden(Restricted(), "translation.engine", use, language)
