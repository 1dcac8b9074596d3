"""At risk: a dub that is sold, made with weights that may not be."""

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.nightly import Nights
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


class Chosen(Restricted):
    """Works with weights that an operator chose."""

    weights: str = "/models/mine"

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        return (Licence(part="the weights", name="not known", commercial=False, weights=self.weights),)


class Named(Restricted):
    """Says itself that it may be sold, under a licence of any name."""

    licence: str

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        return (Licence(part="the weights", name=self.licence),)


def test_weights_whose_licence_nobody_knows_are_refused_with_how_to_name_it() -> None:
    told = r"the weights, whose licence is not known.*catalogue\.licences, such as \{/models/mine: MIT\}"
    for others in ({}, {"/models/other": "MIT"}, {"/models/mine": " "}):
        with pytest.raises(SettingsError, match=told):
            refuse_forbidden(Chosen(), "translation.engine", "commercial", None, others)
    refuse_forbidden(Chosen(), "translation.engine", "research")


def test_a_licence_that_the_settings_name_is_the_one_that_counts() -> None:
    refuse_forbidden(
        Chosen(), "translation.engine", "commercial", None, Nights(licences={"/models/mine": "MIT"}).licences
    )
    with pytest.raises(SettingsError, match=r"CC-BY-NC-4\.0\) forbids commercial use"):
        refuse_forbidden(Chosen(), "translation.engine", "commercial", None, {"/models/mine": "CC-BY-NC-4.0"})


@pytest.mark.parametrize(
    "name", ["CC-BY-NC-4.0", "cc by-nc-sa", "Non-Commercial", "noncommercial use", "research only", "CPML-1.0.0"]
)
def test_a_licence_that_is_called_non_commercial_permits_no_sale_whatever_else_is_said(name: str) -> None:
    with pytest.raises(SettingsError, match="forbids commercial use"):
        refuse_forbidden(Named(licence=name), "translation.engine", "commercial")


@pytest.mark.parametrize("name", ["", " "])
def test_a_licence_without_a_name_is_not_known(name: str) -> None:
    with pytest.raises(SettingsError, match=r"whose licence is not known.*option licence"):
        refuse_forbidden(Named(licence=name), "translation.engine", "commercial")


@pytest.mark.parametrize(
    "name", ["MIT", "CC-BY-4.0", "Apache-2.0", "MIT, as published on the hub", "a contract with us"]
)
def test_a_licence_that_permits_sale_passes(name: str) -> None:
    refuse_forbidden(Named(licence=name), "translation.engine", "commercial")


def test_a_part_that_may_not_be_sold_is_refused_with_what_to_use_instead() -> None:
    with pytest.raises(
        SettingsError, match=r"translation\.engine chooses the French part for fr.*use the permitted part"
    ):
        refuse_forbidden(Restricted(), "translation.engine", "commercial", "fr")


@pytest.mark.parametrize(("use", "language"), [("research", "fr"), ("commercial", "pt"), ("commercial", None)])
def test_what_may_be_used_passes(use: str, language: str | None) -> None:
    refuse_forbidden(Restricted(), "translation.engine", use, language)
