"""At risk: terms that a customer chose and that the dub does not say, without a word about it."""

import pytest

from octavia_dag.dubbing.glossary import losses, lost_marks, mended, protect, restore, stands_in, terms_in


def test_hidden_terms_come_back_as_their_translation() -> None:
    hidden, mapping = protect("The widget works with Acme.", {"widget": "acessório", "Acme": "Acme"})
    assert "widget" not in hidden
    assert "Acme" not in hidden
    back = restore(hidden.replace("The", "O").replace("works with", "funciona com"), mapping, "pt-BR")
    assert back == "O acessório funciona com Acme."


def test_longer_terms_win_and_parts_of_words_are_no_terms() -> None:
    glossary = {"speech": "fala", "speech service": "serviço de fala"}
    hidden, mapping = protect("The speech service knows speeches.", glossary)
    assert list(mapping.values()) == ["serviço de fala"]
    assert "speeches" in hidden


def test_a_term_with_a_capital_is_found_as_it_is_written() -> None:
    assert list(terms_in("We use apple pie", {"Apple": "Apple", "pie": "torta"})) == ["pie"]


def test_a_mark_that_the_text_already_has_is_not_used() -> None:
    _, mapping = protect("Zx1q is a widget", {"widget": "acessório"})
    assert "Zx1q" not in mapping


def test_a_mark_that_the_translator_dropped_is_noticed() -> None:
    _, mapping = protect("A widget.", {"widget": "acessório"})
    assert lost_marks("Uma coisa.", mapping) == list(mapping)
    assert lost_marks(f"Um {next(iter(mapping)).lower()}.", mapping) == []


def test_the_article_before_a_feminine_term_follows_it() -> None:
    _, mapping = protect("diarization", {"diarization": "diarização"})
    mark = next(iter(mapping))
    assert restore(f"O {mark} e do {mark}", mapping, "pt-BR") == "A diarização e da diarização"
    assert restore(f"McDonald {mark}", mapping, "pt-BR") == "McDonald diarização"


def test_a_near_miss_is_put_right_where_it_stands() -> None:
    assert mended("a mais recente discarização", ["x"], {"x": "diarização"}) == "a mais recente diarização"
    assert mended("a transcrição", ["x"], {"x": "diarização"}) == "a transcrição"


def test_what_is_lost_is_said_in_words() -> None:
    lost = losses(
        "Ask Steve for 25 widgets or a widget.",
        "Peça 26 coisas.",
        source="en",
        target="pt-BR",
        glossary={"widget": "acessório"},
    )
    assert len(lost) == 3
    assert lost.sentences() == [
        "glossary term 'widget' was not used",
        "the name 'Steve' was lost in translation",
        "the number 25 was lost in translation",
    ]


@pytest.mark.parametrize("wording", ["", " "])
def test_an_empty_wording_is_put_back_as_it_is(wording: str) -> None:
    assert restore("o Zx1q vem", {"Zx1q": wording}, "pt-BR") == f"o {wording} vem"


def test_nothing_is_reported_where_all_is_there() -> None:
    assert not losses("Ask Steve for 25.", "Peça 25 a Steve.", source="en", target="pt-BR")


@pytest.mark.parametrize(
    ("wording", "text", "there"), [("Acme", "a ACME.", True), ("Acme", "acmes", False), ("", "a", False)]
)
def test_a_wording_stands_as_whole_words(wording: str, text: str, there: bool) -> None:
    assert stands_in(wording, text) is there
