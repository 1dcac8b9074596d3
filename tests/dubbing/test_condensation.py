"""At risk: a dub that is shorter because it says something else."""

import pytest

from octavia_dag.dubbing.condensation import answer_problem, cleaned_answer, harmless, negations, shorter_text, tidied
from octavia_dag.dubbing.lengths import HUMAN, predicted_seconds
from octavia_dag.dubbing.names import missing_names
from octavia_dag.dubbing.numerals import numbers

# What people said, and its translation, each predicted to take at least 1.3 times as long.
TOO_LONG = (
    ("I don't know what happened to him after that.", "Eu não sei o que aconteceu com ele depois disso."),
    ("Have you seen my phone anywhere?", "Você já viu meu telefone em qualquer lugar?"),
    (
        "They told us to wait outside until the end of the show.",
        "Eles nos disseram para esperar do lado de fora até o final do show.",
    ),
    ("Could you tell me where the nearest station is?", "Você poderia me dizer onde está a estação mais próxima?"),
    ("I'm glad that you could come to my party.", "Estou feliz que você possa vir à minha festa."),
    ("I really don't want to talk about it right now.", "Eu realmente não quero falar sobre isso agora."),
    ("By the way, did you bring the keys with you?", "A propósito, você trouxe as chaves com você?"),
    ("There was nothing we could do to help them.", "Não havia nada que pudéssemos fazer para ajudá-los."),
    ("Some people prefer to work at night.", "Algumas pessoas preferem trabalhar à noite."),
    ("I used to live next to the train station.", "Eu costumava viver ao lado da estação de trem."),
    ("Honestly, I don't think it's worth the money.", "Honestamente, eu não acho que vale a pena o dinheiro."),
    ("What do you want to eat tonight?", "O que você quer comer hoje à noite?"),
    ("I need you to be completely honest with me.", "Eu preciso que você seja completamente honesto comigo."),
    ("Last night I had a very strange dream.", "Ontem à noite tive um sonho muito estranho."),
    ("Everything you need is in this box.", "Tudo que você precisa está nesta caixa."),
    ("Our team is working hard to fix this issue.", "Nossa equipe está trabalhando duro para resolver esse problema."),
    ("In fact, Susan really has 25 cats at this moment.", "Na verdade, a Susan realmente tem 25 gatos neste momento."),
    ("However, Mr. Brown can pay 3.5%.", "No entanto, o Sr. Brown é capaz de pagar 3,5 por cento."),
    ("Anna was born in 1998, you know.", "Na verdade, a Anna nasceu no ano de 1998, você sabe."),
    (
        "Bill will never go back to London in order to work.",
        "Bill nunca irá voltar novamente para Londres com o objetivo de trabalhar.",
    ),
)

LINE = "Na verdade, eu acho que a Anna não tem 25 casas em Londres neste momento."
SAID = "Actually, I think that Anna does not have 25 houses in London at this moment."


def ratio(original: str, text: str) -> float:
    return predicted_seconds(text, "pt-BR") / predicted_seconds(original, "en", HUMAN)


def test_there_are_twenty_sentences_of_1_3_times_the_original_or_more() -> None:
    assert len(TOO_LONG) == 20
    assert min(ratio(original, text) for original, text in TOO_LONG) >= 1.3


@pytest.mark.parametrize(("original", "text"), TOO_LONG)
def test_numbers_names_and_denials_of_a_long_sentence_stay(original: str, text: str) -> None:
    for share in (1.2 / ratio(original, text), 0.1):
        shorter = shorter_text(text, "pt-BR", share)
        assert numbers(shorter, "pt-BR") == numbers(text, "pt-BR")
        assert missing_names(text, shorter, "pt-BR", "pt-BR") == []
        assert negations(shorter, "pt-BR") == negations(text, "pt-BR")
        assert shorter[0].isupper()
        assert shorter[-1] == text[-1]


def test_rules_bring_two_in_five_long_sentences_to_1_2_times_the_original() -> None:
    reached = [ratio(o, shorter_text(t, "pt-BR", 1.2 / ratio(o, t))) <= 1.2 for o, t in TOO_LONG]
    assert sum(reached) >= 8


@pytest.mark.parametrize(
    ("text", "language", "shorter"),
    [
        ("Na verdade, eu realmente aprecio a sua ajuda.", "pt-BR", "Aprecio sua ajuda."),
        ("Nós temos que tomar uma decisão a fim de continuar.", "pt-BR", "Temos que decidir pra continuar."),
        ("No entanto, ela disse que ela não sabia.", "pt-BR", "Mas ela disse que não sabia."),
        ("Este é o livro que foi escrito por ele.", "pt-BR", "Este é o livro escrito por ele."),
        ("Bueno, yo creo que en este momento no puedo.", "es", "Ahora no puedo."),
        ("Well, in order to do it, you have to utilize it.", "en", "To do it, you have to use it."),
    ],
)
def test_rules_say_the_same_in_fewer_words(text: str, language: str, shorter: str) -> None:
    assert shorter_text(text, language, 0.1) == shorter


def test_the_least_harmful_change_comes_first_and_no_more_than_is_needed() -> None:
    text = "Na verdade, isso é muito importante."
    assert shorter_text(text, "pt-BR", 0.95) == "Isso é muito importante."


@pytest.mark.parametrize(
    "text",
    [
        "Eu e João vamos.",  # the pronoun is part of a pair
        "Isso não é absolutamente certo.",  # "not absolutely" is not "not"
        "Ele não é muito esperto.",
        "Sim, é claro.",
    ],
)
def test_what_a_rule_would_spoil_stays(text: str) -> None:
    assert shorter_text(text, "pt-BR", 0.1) == text


def test_a_change_that_is_not_wanted_is_not_made() -> None:
    text = "Na verdade, eu acho."
    assert shorter_text(text, "pt-BR", 0.1, keep=lambda one: "Na verdade" in one).startswith("Na verdade")


def test_another_language_is_left_alone() -> None:
    assert shorter_text("Eigentlich ist das so.", "de", 0.1) == "Eigentlich ist das so."


def test_a_change_of_number_name_or_denial_does_harm() -> None:
    assert not harmless("Anna tem 26.", "Anna tem 25.", "pt-BR")
    assert not harmless("Ela vê a moça.", "Ela vê a Anna.", "pt-BR")
    assert not harmless("Ela vem.", "Ela não vem.", "pt-BR")
    assert not harmless(" , .", "Ela vem.", "pt-BR")


def test_commas_spaces_and_capitals_are_put_in_order() -> None:
    assert tidied(" ,  isso,  , é .  assim", "Bem, isso") == "Isso, é. Assim"


@pytest.mark.parametrize(
    "answer",
    [
        "Anna não vem.",
        '"Anna não vem."',
        "\u201cAnna não vem.\u201d\n",
        "Here is the shortened line: Anna não vem.",
        "Here's the shortened line:\n\nAnna não vem.",
        "Claro! Aqui está a versão mais curta: \u201cAnna não vem.\u201d",
        "```\nAnna não vem.\n```",
        "**Anna não vem.**",
    ],
)
def test_what_is_put_around_an_answer_is_taken_off(answer: str) -> None:
    assert cleaned_answer(answer) == "Anna não vem."


def test_a_good_answer_has_no_problem() -> None:
    assert answer_problem("Acho que a Anna não tem 25 casas em Londres.", LINE, SAID, "pt-BR", 0.8) is None


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "empty"),
        ("...", "empty"),
        ("A Anna não tem 25 casas.\nEm Londres.", "more than one line"),
        ("I think that Anna does not have 25 houses.", "another language"),
        ("Na verdade, eu acho que a Anna não tem 25 casas em Londres agora mesmo.", "not short enough"),
        ("A Anna não tem 26 casas em Londres.", "numbers"),
        ("A Anna não tem casas em Londres.", "numbers"),
        ("Acho que ela não tem 25 casas em Londres.", "lost the name Anna"),
        ("Acho que a Anna e o Pedro não têm 25 casas em Londres.", "does not name"),
        ("Acho que a Anna tem 25 casas em Londres.", "denied"),
        ("Hoje a Anna não vê 25 gatos pretos dormindo, Londres.", "something else"),
    ],
)
def test_an_answer_that_cannot_stand_is_refused_with_the_reason(answer: str, problem: str) -> None:
    assert problem in (answer_problem(answer, LINE, SAID, "pt-BR", 0.85) or "")
