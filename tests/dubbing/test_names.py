"""At risk: a person whose name is translated, and flags for words that are no names."""

import pytest

from octavia_dag.dubbing.names import missing_names, names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My name is Jordi Mas and I live in New York.", ["Jordi", "Mas", "New", "York"]),
        ("Yes, I'm English and we met on Monday.", []),
        ("Good morning. Steve's house is big.", []),
        ("We asked Steve's sister.", ["Steve"]),
        ("GitHub is slow.", ["GitHub"]),
        ("THE END OF THE STORY", []),
    ],
)
def test_names_are_the_capitals_inside_a_sentence(text: str, found: list[str]) -> None:
    assert names(text, "en") == found


def test_a_name_of_the_programme_counts_where_it_opens_a_sentence() -> None:
    assert names("Steve is here. But who?", "en", known={"Steve", "But"}) == ["Steve"]


@pytest.mark.parametrize(
    ("original", "translated"),
    [
        ("I flew from London to Germany.", "Eu voei de Londres para a Alemanha."),
        ("She works at the White House in the United States.", "Ela trabalha na Casa Branca nos Estados Unidos."),
        ("He is called João.", "Ele se chama Joao."),
        ("We saw Brazil and Switzerland.", "Vimos o Brasil e a Suíça."),
    ],
)
def test_a_name_in_the_spelling_of_the_other_language_is_kept(original: str, translated: str) -> None:
    assert missing_names(original, translated, "en", "pt-BR") == []


def test_a_name_that_became_a_word_is_lost() -> None:
    assert missing_names("Meu nome é Jordi Mas.", "My name is Jordi But.", "pt-BR", "en") == ["Mas"]
