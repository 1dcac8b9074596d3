"""At risk: a condenser that answers with less than was asked for, or invents."""

import pytest
from condenser_contract import CondenserContract

from octavia_dag.resources.embedded.condenser import RuleCondenser
from octavia_dag.resources.engines import Condenser


class TestRules(CondenserContract):
    @pytest.fixture
    def condenser(self) -> Condenser:
        return RuleCondenser()


def test_a_text_is_shortened_by_no_more_than_is_needed() -> None:
    text = "Na verdade, eu realmente aprecio a sua ajuda."
    some = RuleCondenser().condense(text, "Actually, I really appreciate your help.", "pt-BR", 0.9)
    most = RuleCondenser().condense(text, "Actually, I really appreciate your help.", "pt-BR", 0.5)
    assert some
    assert most
    assert len(text) > len(some) > len(most)


def test_a_language_without_rules_is_left_to_the_caller() -> None:
    assert RuleCondenser().condense("Eigentlich ist das wirklich so.", "x", "de", 0.9) is None
