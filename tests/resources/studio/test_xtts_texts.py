"""At risk: words that are lost where a text is parted, pieces that are too long, a language under another name."""

import pytest

from octavia_dag.errors import PairError
from octavia_dag.partitions import LANGUAGES as TARGETS
from octavia_dag.resources.studio.xtts_texts import LANGUAGES, code_of, pieces, speaks


def bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("One sentence. And another one! Is there a third? Yes.", 20),
        ("One sentence without an end that goes on and on and on", 15),
        ("first part, second part; third part: fourth part", 18),
        ("Donaudampfschifffahrtsgesellschaftskapitän", 10),
        ("今天天气很好。我们去公园吧,然后回家", 6),
        ("  spaces   everywhere  .  ", 9),
        ("a", 1),
    ],
)
def test_no_character_is_lost_and_every_piece_fits(text: str, limit: int) -> None:
    found = pieces(text, lambda piece: len(piece) <= limit)
    assert bare("".join(found)) == bare(text)
    assert all(0 < len(piece) <= limit for piece in found)


def test_a_text_that_fits_stays_whole() -> None:
    assert pieces("One. Two. Three.", lambda piece: len(piece) <= 16) == ["One. Two. Three."]


def test_it_is_parted_at_sentences_before_commas_and_at_commas_before_words() -> None:
    assert pieces("One, two. Three, four.", lambda piece: len(piece) <= 12) == ["One, two.", "Three, four."]
    assert pieces("One and two, three and four", lambda piece: len(piece) <= 16) == ["One and two,", "three and four"]


def test_there_are_no_more_pieces_than_needed() -> None:
    assert len(pieces("One. Two. Three. Four.", lambda piece: len(piece) <= 11)) == 3


def test_every_language_we_dub_into_is_spoken_under_the_library_s_name() -> None:
    assert all(speaks(tag) for tag in TARGETS)
    assert [code_of(tag) for tag in ("pt-BR", "en", "zh-CN", "zh-TW")] == ["pt", "en", "zh-cn", "zh-cn"]
    assert len(LANGUAGES) == 17


def test_another_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(PairError, match=r"Speaking sw: XTTS v2 does not speak it; it speaks en, es,"):
        code_of("sw")
