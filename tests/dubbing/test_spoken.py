"""At risk: amounts and hours that a voice reads piece by piece."""

import pytest

from octavia_dag.dubbing.spoken import spoken_form


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("12.000 pessoas.", "pt-BR", "12000 pessoas."),
        ("Custa 1.250,75.", "pt-BR", "Custa 1250 vírgula 75."),
        ("Às 17:30, às 10h00.", "pt-BR", "Às 17 e 30, às 10 horas."),
        ("O Sr. Brown e a Dra. Lima.", "pt-BR", "O senhor Brown e a doutora Lima."),
        ("12,000 people, 3.5 each.", "en", "12000 people, 3 point 5 each."),
        ("Mr. Brown came.", "en", "Mister Brown came."),
        ("Em 1999, 3 e 4.", "pt-BR", "Em 1999, 3 e 4."),
        ("12.000", "xx", "12.000"),
        ("À 1:00 em ponto.", "pt-BR", "À 1 hora em ponto."),
        ("At 3:05 sharp.", "en", "At 3 oh 5 sharp."),
        ("Use v1.2.3 today.", "en", "Use v1.2.3 today."),
    ],
)
def test_digits_and_titles_are_written_as_they_are_said(text: str, language: str, spoken: str) -> None:
    assert spoken_form(text, language) == spoken
