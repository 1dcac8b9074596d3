"""At risk: terms that a customer chose and that the dub does not say, without a word about it."""

import pytest

from octavia_dag.dubbing.glossary import losses, lost_marks, mended, protect, restore, stands_in, terms_in
from octavia_dag.schema import Term


def term(written: str, wording: str, *, match_case: bool = False) -> Term:
    return Term(term=written, wording=wording, match_case=match_case)


def test_hidden_terms_come_back_as_their_translation() -> None:
    hidden, mapping = protect("The widget works with Acme.", [term("widget", "acessório"), term("Acme", "Acme")])
    assert "widget" not in hidden
    assert "Acme" not in hidden
    back = restore(hidden.replace("The", "O").replace("works with", "funciona com"), mapping, "pt-BR")
    assert back == "O acessório funciona com Acme."


def test_longer_terms_win_and_parts_of_words_are_no_terms() -> None:
    glossary = [term("speech", "fala"), term("speech service", "serviço de fala")]
    hidden, mapping = protect("The speech service knows speeches.", glossary)
    assert list(mapping.values()) == ["serviço de fala"]
    assert "speeches" in hidden


def test_a_term_whose_case_counts_is_found_only_as_it_is_written() -> None:
    apple, pie = term("Apple", "Apple", match_case=True), term("pie", "torta")
    assert terms_in("We use apple pie", [apple, pie]) == (pie,)


def test_a_term_whose_case_does_not_count_is_found_in_either_case() -> None:
    entry = term("Widget", "acessório")
    assert terms_in("A WIDGET", [entry]) == terms_in("a widget", [entry]) == (entry,)


def test_of_two_spellings_of_one_term_the_one_whose_case_counts_comes_first() -> None:
    people, verb = term("Polish", "polonês", match_case=True), term("polish", "polir")
    assert terms_in("He is Polish", [verb, people]) == (people,)
    assert terms_in("They polish it", [verb, people]) == (verb,)


def test_a_word_inside_a_longer_term_counts_as_that_term() -> None:
    short, long = term("speech", "fala"), term("speech service", "serviço de voz")
    lost = losses("The speech service.", "O serviço de voz.", source="en", target="pt-BR", glossary=[short, long])
    assert lost.terms == ()


def test_a_mark_that_the_text_already_has_is_not_used() -> None:
    _, mapping = protect("Zx1q is a widget", [term("widget", "acessório")])
    assert "Zx1q" not in mapping


def test_a_mark_that_the_translator_dropped_is_noticed() -> None:
    _, mapping = protect("A widget.", [term("widget", "acessório")])
    assert lost_marks("Uma coisa.", mapping) == list(mapping)
    assert lost_marks(f"Um {next(iter(mapping)).lower()}.", mapping) == []


def test_the_article_before_a_feminine_term_follows_it() -> None:
    _, mapping = protect("diarization", [term("diarization", "diarização")])
    mark = next(iter(mapping))
    assert restore(f"O {mark} e do {mark}", mapping, "pt-BR") == "A diarização e da diarização"
    assert restore(f"McDonald {mark}", mapping, "pt-BR") == "McDonald diarização"


def test_a_near_miss_is_put_right_where_it_stands() -> None:
    assert mended("a mais recente discarização", [term("x", "diarização")]) == "a mais recente diarização"
    assert mended("a transcrição", [term("x", "diarização")]) == "a transcrição"


def test_what_is_lost_is_said_in_words() -> None:
    lost = losses(
        "Ask Steve for 25 widgets or a widget.",
        "Peça 26 coisas.",
        source="en",
        target="pt-BR",
        glossary=[term("widget", "acessório")],
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
