"""At risk: a translation that quietly says another price, year or hour."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.numerals import missing_numbers, number_writings, numbers, read_digits, respelled, write_digits


@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("He paid 3.50 for 1,000 apples, 12.5% off.", "Ele pagou 3,50 por 1.000 maçãs, 12,5% de desconto."),
        ("It costs 1,250.75 dollars.", "Custa 1.250,75 dólares."),
        ("Twenty-one people came in 1999.", "Vinte e uma pessoas vieram em 1999."),
        ("There are 123 of them.", "Há cento e vinte e três deles."),
        ("The year two thousand and five.", "O ano de dois mil e cinco."),
        ("We have 5 million.", "Temos cinco milhões."),
        ("One million two hundred thousand and two.", "Um milhão e duzentos mil e dois."),
        ("We met at 5:30 pm.", "Nos encontramos às 17h30."),
        ("It opens at 5 pm.", "Abre às 17:00."),
        ("On July 4th, 1776.", "No dia 4 de julho de 1776."),
        ("Five, six, seven.", "Cinco, seis, sete."),
        ("I have 1 car.", "Tenho um carro."),
        ("No number at all.", "Nenhum número."),
    ],
)
def test_the_same_numbers_are_found_in_both_languages(english: str, portuguese: str) -> None:
    assert missing_numbers(english, portuguese, "en", "pt-BR") == []


@pytest.mark.parametrize(
    ("english", "portuguese", "lost"),
    [
        ("It costs 25 dollars.", "Custa 26 dólares.", ["25"]),
        ("It costs 1.250 dollars.", "Custa 1.250 dólares.", ["1.25"]),
        ("Twenty-one people.", "Vinte pessoas.", ["21"]),
        ("At 5:30.", "Às 5:45.", ["t5:30"]),
        ("7 and 7.", "7.", ["7"]),
    ],
)
def test_a_changed_number_is_named(english: str, portuguese: str, lost: list[str]) -> None:
    assert missing_numbers(english, portuguese, "en", "pt-BR") == lost


def test_the_word_for_one_is_an_article_and_no_number() -> None:
    assert numbers("A man, one of a hundred.", "en") == Counter({"100": 1})
    assert numbers("Um homem e uma casa.", "pt-BR") == Counter()


def test_neighbours_that_form_no_number_stay_apart() -> None:
    assert numbers("two three four", "en") == Counter({"2": 1, "3": 1, "4": 1})


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from(["en", "pt-BR", "es"]))
def test_what_is_written_is_read_back(value: Decimal, language: str) -> None:
    assert read_digits(write_digits(value, language), language) == value


def test_one_mark_for_both_purposes_is_put_right() -> None:
    assert respelled("Custa 1.250.75 e 2.000.000.", "pt-BR") == "Custa 1.250,75 e 2.000.000."
    assert respelled("It costs 1,250,75; version 1.2.3.", "en") == "It costs 1,250.75; version 1.2.3."


def test_a_lost_number_is_offered_in_the_writing_of_the_other_language() -> None:
    assert number_writings("1,250.75 in 2021 at 5:30", ["1250.75", "2021"], "en", "pt-BR") == {
        "1,250.75": "1.250,75",
        "2021": "2021",
    }
