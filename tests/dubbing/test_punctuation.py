"""At risk: a full stop or a capital in the middle of a sentence, which the voice would read out."""

import pytest

from octavia_dag.dubbing.punctuation import like_original


@pytest.mark.parametrize(
    ("translated", "original", "wanted"),
    [
        ("Nós fomos para o grande.", "we went to the big", "nós fomos para o grande"),
        ("E assim, meus amigos.", "And so, my friends,", "E assim, meus amigos,"),
        ("você vem", "Are you coming?", "Você vem?"),
        ("Você vem?", "you come, right.", "você vem?"),
        ("Não!", "No.", "Não!"),
        ("Pessoas estão aqui.", "People are here...", "Pessoas estão aqui."),
        ("Steve vem", "steve comes", "steve vem"),
        ("Steve vem", "and Steve comes", "Steve vem"),
        ("IBM vende", "and it sells", "IBM vende"),
        ("...", "...", "..."),
        ("", "Yes.", ""),
    ],
)
def test_ends_and_capitals_are_those_of_the_original(translated: str, original: str, wanted: str) -> None:
    assert like_original(translated, original) == wanted
