"""At risk: that `make system` installs pairs which the translator does not find, or cannot use."""

import pytest

from octavia_dag.resources.embedded.translator import LocalTranslator

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("source", "target", "text", "word"),
    [
        ("en", "es", "I live in this city.", "ciudad"),
        ("es", "pt-PT", "Vivo en esta ciudad.", "cidade"),
        ("fr", "es", "J'habite dans cette ville.", "ciudad"),
        ("es", "it", "Vivo en esta ciudad.", "città"),
    ],
)
def test_a_sentence_is_translated(models_dir: str, source: str, target: str, text: str, word: str) -> None:
    translator = LocalTranslator(models_dir=models_dir)
    assert (source, target) in translator.pairs()
    assert word in translator.translate([text], source, target)[0].lower()
