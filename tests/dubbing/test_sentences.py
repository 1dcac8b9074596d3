"""At risk: a sentence that a translator drops because it came with another, or one that is cut in its middle."""

import pytest

from octavia_dag.dubbing.sentences import joined_sentences, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Brown and Dr. J. Smith came.", ["Mr. Brown and Dr. J. Smith came."]),
        ("It is 3.5. Yes... no", ["It is 3.5.", "Yes...", "no"]),
        ('He said "Stop." Then he left', ['He said "Stop."', "Then he left"]),
        ("¿Qué? ¡No! Nunca.", ["¿Qué?", "¡No!", "Nunca."]),
        ("これは本です\u3002\u300c本当\uff1f\u300dはい", ["これは本です\u3002", "\u300c本当\uff1f\u300d", "はい"]),
        ("هل أنت هنا\u061f نعم.", ["هل أنت هنا\u061f", "نعم."]),
        ("यह सच है\u0964 हाँ\u0964", ["यह सच है\u0964", "हाँ\u0964"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_its_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize(("language", "text"), [("en", "One. Two."), ("zh", "One.Two."), ("ja", "One.Two.")])
def test_sentences_are_joined_as_the_language_spaces_them(language: str, text: str) -> None:
    assert joined_sentences(["One.", "Two."], language) == text
