"""Proper names: which words of a text are names, and whether another text still has them.

A name is found by its capital letter inside a sentence, since a dubbing line carries no other mark; a word that
opens a sentence counts only when it is known as a name from elsewhere in the programme. Days, months, languages,
peoples and titles have capitals in English only and are no names. A name that the other language spells in its own
way (London, Londres) is kept; one that was turned into a common word (Mas, But) is lost.
"""

import re
import unicodedata
from collections.abc import Collection
from difflib import SequenceMatcher
from functools import cache

from octavia_dag.dubbing.numerals import base

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*[\d]*")
_SENTENCE_MARK = re.compile(r"[.!?:;\u2026\"\u201c\u201d(\n]")
_SAME_SPELLING = 0.55  # SequenceMatcher's ratio: London/Londres 0.62, Brazil/Brasil 0.83; Mas/But 0

_NO_NAMES = {
    "en": "I I'm I've I'd I'll OK Okay TV PC CEO AM PM Mr Mrs Ms Dr Sir Madam Monday Tuesday Wednesday Thursday Friday"
    " Saturday Sunday January February March April May June July August September October November December English"
    " British American Americans Spanish Portuguese Brazilian Brazilians French German Germans Italian Russian Chinese"
    " Japanese Indian European Europeans African Asian Dutch Greek Latin Arabic Korean Mexican Canadian Australian"
    " Christian Catholic Jewish Muslim Christmas Easter Internet Web North South East West Earth God Mom Mum Dad",
    "pt": "Sr Sra Dr Dra Senhor Senhora TV Deus Natal Internet Terra Norte Sul Leste Oeste",
    "es": "Sr Sra Dr Dra Señor Señora TV Dios Navidad Internet Tierra Norte Sur Este Oeste",
}
# Words that open a sentence far more often than they are anybody's name.
_OPENERS = {
    "en": "A An The And But So If He She We You They It What Who When Will Can May Mark Bill Rose Grace Hope",
    "pt": "O A Os As Um Uma E Mas Se Ele Ela Eu Você Nós Que Quem Rosa Sim Não Em De Para Por Como",
    "es": "El La Los Las Un Una Y Pero Si Él Ella Yo Tú Que Quien Rosa Sí No En De Para Por Como Mas",
}
# English name -> what Portuguese and Spanish make of it, where no letters show that they are the same.
_EXONYMS = (
    "Germany Alemanha Alemania; Netherlands Holanda Holanda; Netherlands Baixos Bajos; Wales Gales Gales; "
    "England Inglaterra Inglaterra; Scotland Escócia Escocia; Ireland Irlanda Irlanda; Hungary Hungria Hungría; "
    "Greece Grécia Grecia; Egypt Egito Egipto; Switzerland Suíça Suiza; Sweden Suécia Suecia; Kingdom Unido Unido; "
    "Spain Espanha España; States Unidos Unidos; United Estados Estados; United Reino Reino; United Nações Naciones; "
    "Nations Unidas Unidas; New Nova Nueva; New Novo Nuevo; House Casa Casa; White Branca Blanca; Street Rua Calle; "
    "Beijing Pequim Pekín; Moscow Moscou Moscú; Cologne Colônia Colonia; Munich Munique Múnich; City Cidade Ciudad; "
    "University Universidade Universidad; River Rio Río; Lake Lago Lago; Sea Mar Mar; Ocean Oceano Océano; "
    "Union União Unión; Church Igreja Iglesia; King Rei Rey; Queen Rainha Reina; President Presidente Presidente; "
    "Jesus Jesus Jesús; Bible Bíblia Biblia; Cup Copa Copa; World Mundial Mundial; War Guerra Guerra; "
    "Saint São San; Santo Santo Santo; Service Serviço Servicio; Bank Banco Banco; Middle Médio Medio; Wall Muro Muro; "
    "EU UE UE; UN ONU ONU; USA EUA EEUU; US EUA EEUU; UK Unido Unido; NATO OTAN OTAN; AI IA IA; World Mundo Mundo"
)


def names(text: str, language: str, *, known: Collection[str] = ()) -> list[str]:
    """The names in `text`, in reading order, once each; possessive endings are taken off.

    `known` are names of the programme, which then also count where they open a sentence. A text without a small
    letter has no names, since its capitals say nothing.
    """
    if not any(letter.islower() for letter in text):
        return []
    plain = _NO_NAMES.get(base(language), "").split()
    openers = _OPENERS.get(base(language), "").split()
    found: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        opens = match.start() == 0 or bool(_SENTENCE_MARK.search(text[end : match.start()])) or not text[:end].strip()
        end = match.end()
        word = re.sub(r"['\u2019]s?$", "", match[0])
        if len(word) < 2 or not word[0].isupper() or word in plain or match[0] in plain or word in found:
            continue
        if not opens or _inner_capital(word) or (word in known and word not in openers):
            found.append(word)
    return found


def missing_names(original: str, other: str, source: str, target: str, *, known: Collection[str] = ()) -> list[str]:
    """The names of `original` (in `source`) that `other` (in `target`) does not have in any spelling."""
    there = [match[0] for match in _WORD.finditer(other)]
    return [name for name in names(original, source, known=known) if not _is_there(name, there)]


def _is_there(name: str, there: list[str]) -> bool:
    folded = _folded(name)
    for word in there:
        if _folded(word) == folded or folded in _folded(word).split("-"):
            return True
        if word[:1].isupper() and SequenceMatcher(None, folded, _folded(word)).ratio() >= _SAME_SPELLING:
            return True
    spellings = _spellings().get(folded, set())
    return any(_folded(word) in spellings for word in there)


@cache
def _spellings() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for row in _EXONYMS.split(";"):
        group = {_folded(word) for word in row.split()}
        for word in group:
            table.setdefault(word, set()).update(group)
    return table


def _inner_capital(word: str) -> bool:
    return any(letter.isupper() for letter in word[1:]) and not word.isupper()


def _folded(word: str) -> str:
    """Small letters without accents."""
    return "".join(part for part in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(part))
