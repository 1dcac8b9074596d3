"""What every translator must keep, whichever engine answers.

A test class that inherits `TranslatorContract` gives it two fixtures: `translator`, and `served`, a pair that it
serves.
"""

import pytest

from octavia_dag.errors import PairError
from octavia_dag.resources.engines import Translator

TEXTS = ["Good morning, my name is Jordi Mas.", "And I love this city.", "We need 3.5 metres of it."]


class TranslatorContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_and_revision(self, translator: Translator) -> None:
        info = translator.info()
        assert info.name
        assert info.revision
        assert info.licence

    def test_the_pair_is_among_those_it_lists(self, translator: Translator, served: tuple[str, str]) -> None:
        assert served in translator.pairs()

    def test_there_is_one_translation_per_text_in_order(self, translator: Translator, served: tuple[str, str]) -> None:
        together = translator.translate(TEXTS, *served)
        assert together == [translator.translate([text], *served)[0] for text in TEXTS]
        assert len(set(together)) == len(TEXTS)

    def test_the_first_candidate_is_the_translation_and_none_comes_twice(
        self, translator: Translator, served: tuple[str, str]
    ) -> None:
        offered = translator.candidates(TEXTS, *served)
        assert [one[0] for one in offered] == translator.translate(TEXTS, *served)
        assert all(all(one) and len(set(one)) == len(one) for one in offered)

    def test_no_text_gives_no_translation(self, translator: Translator, served: tuple[str, str]) -> None:
        assert translator.translate([], *served) == []

    def test_a_translation_is_not_the_text_itself(self, translator: Translator, served: tuple[str, str]) -> None:
        assert all(
            made and made != text for made, text in zip(translator.translate(TEXTS, *served), TEXTS, strict=True)
        )

    def test_the_same_text_is_translated_the_same_way(self, translator: Translator, served: tuple[str, str]) -> None:
        assert translator.translate(TEXTS, *served) == translator.translate(TEXTS, *served)

    def test_a_pair_it_does_not_serve_is_refused_with_those_it_does(
        self, translator: Translator, served: tuple[str, str]
    ) -> None:
        with pytest.raises(PairError) as refused:
            translator.translate(TEXTS, "en", "tlh")
        assert "tlh" in str(refused.value)
        assert all(tag in str(refused.value) for tag in served)
