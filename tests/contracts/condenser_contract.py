"""What every condenser must keep, whichever engine answers.

A test class that inherits `CondenserContract` gives it one fixture: `condenser`.
"""

import pytest

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.names import missing_names
from octavia_dag.dubbing.numerals import numbers
from octavia_dag.resources.engines import Condenser

ORIGINAL = "Actually, I really think that Anna has 25 houses at this moment."
TEXT = "Na verdade, eu realmente acho que a Anna tem 25 casas neste momento."


class CondenserContract:
    """Inherit it, and give it the fixture."""

    def test_it_names_its_licence_and_revision(self, condenser: Condenser) -> None:
        info = condenser.info()
        assert info.name
        assert info.revision
        assert info.licence

    @pytest.mark.parametrize("ratio", [0.9, 0.75, 0.6, 0.2, 0.01])
    def test_an_answer_is_as_short_as_was_asked_for(self, condenser: Condenser, ratio: float) -> None:
        answer = condenser.condense(TEXT, ORIGINAL, "pt-BR", ratio)
        allowed = ratio * predicted_seconds(TEXT, "pt-BR")
        assert answer is None or 0 < predicted_seconds(answer, "pt-BR") <= allowed

    @pytest.mark.parametrize("ratio", [0.9, 0.75, 0.6, 0.2])
    def test_numbers_and_names_stay(self, condenser: Condenser, ratio: float) -> None:
        answer = condenser.condense(TEXT, ORIGINAL, "pt-BR", ratio)
        if answer is not None:
            assert numbers(answer, "pt-BR") == numbers(TEXT, "pt-BR")
            assert not missing_names(TEXT, answer, "pt-BR", "pt-BR")

    def test_a_text_that_is_short_enough_stays(self, condenser: Condenser) -> None:
        assert condenser.condense(TEXT, ORIGINAL, "pt-BR", 1.0) == TEXT

    def test_what_cannot_be_said_shorter_is_left_to_the_caller(self, condenser: Condenser) -> None:
        assert condenser.condense("25 casas.", "25 houses.", "pt-BR", 0.1) is None
