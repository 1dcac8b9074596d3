"""Saying the same in fewer words by rule, and judging an answer of somebody who did it freely.

Rules are applied from the harmless to the harmful, one place at a time, and only until the length asked for is met.
A place is left as it is where the change would touch a number, a name or a negation, or leave no text: a line that
stays too long can be spoken a little faster, a line that says the opposite cannot be repaired. An answer from a
language model gets no trust: it must be one line, shorter, in the same language, about the same thing, with the same
numbers and names.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from octavia_dag.dubbing import shorter_en, shorter_es, shorter_pt
from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.names import missing_names
from octavia_dag.dubbing.numerals import base, numbers

_RULES = {"pt": shorter_pt.RULES, "es": shorter_es.RULES, "en": shorter_en.RULES}
_OPEN = r"(^|[.!?\u2026]\s+)"
_NEGATIONS = {
    "pt": re.compile(r"\b(?:não|nunca|nem|ninguém|nada|nenhuma?s?|sem|jamais|tampouco)\b", re.IGNORECASE),
    "es": re.compile(r"\b(?:no|nunca|ni|nadie|nada|ningun[oa]s?|ningún|sin|jamás|tampoco)\b", re.IGNORECASE),
    "en": re.compile(
        r"\b(?:not|no|never|nobody|nothing|none|neither|nor|without|cannot)\b|n['\u2019]t\b", re.IGNORECASE
    ),
}


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STOPWORDS = {
    "en": _listed(
        "the of and to in is that it for was with you on are this have be not what we they from but can will"
    ),
    "pt": _listed(
        "de que não uma com para os as do da em um é por mais mas foi ao ele você isso são está nos na no se"
    ),
    "es": _listed(
        "de que no una con para los las del la el en un es por más pero fue al él usted eso son está se y lo"
    ),
}
_LABEL = re.compile(
    r"^(?:sure|certainly|of course|here(?:'s| is| are)|the (?:condensed|shortened|shorter)|condensed|shortened|shorter"
    r"|claro|certo|aqui est(?:á|ão)|segue|vers[aã]o|frase|texto|resposta|answer|aquí (?:está|tienes)|versión)\b"
    r"[^:\n]{0,80}:\s*",
    re.IGNORECASE,
)
_QUOTES = "\"'`*_\u201c\u201d\u2018\u2019\u00ab\u00bb"
_SAME_STEM = 4
_EMPHASIS_HARM = 3
_REACH_OF_A_DENIAL = 3
_RELATED = 0.3


@dataclass(frozen=True)
class Rule:
    """One way to say it shorter; `harm` from 1 (nothing is lost) to 4 (a little content)."""

    harm: int
    pattern: re.Pattern[str]
    put: str

    @property
    def emphasis(self) -> bool:
        """True where it takes words away that a denial before them would deny ("not absolutely")."""
        return self.harm >= _EMPHASIS_HARM and not self.put


def languages() -> tuple[str, ...]:
    """The primary subtags of the languages that have rules."""
    return tuple(sorted(_RULES))


def shorter_text(text: str, language: str, ratio: float, *, keep: Callable[[str], bool] = lambda _: True) -> str:
    """`text` shortened by rule until it takes at most `ratio` times as long, or as far as the rules go.

    No change is made after which `keep` is False. The text itself where no rule fits.
    """
    length = partial(predicted_seconds, language=language)
    goal = ratio * length(text)
    best = text
    for rule in _rules(base(language)):
        start = 0
        while length(best) > goal and (match := rule.pattern.search(best, start)):
            if rule.emphasis and _denied_before(best, match.start(), language):
                start = match.end()
                continue
            changed = tidied(best[: match.start()] + _put(rule, match) + best[match.end() :], text)
            if length(changed) < length(best) and harmless(changed, best, language) and keep(changed):
                best, start = changed, match.start()
            else:
                start = max(match.end(), match.start() + 1)
    return best


def harmless(changed: str, text: str, language: str) -> bool:
    """True where `changed` has the numbers, names and negations of `text`, no more and no fewer, and says something."""
    return (
        any(letter.isalnum() for letter in changed)
        and numbers(changed, language) == numbers(text, language)
        and not missing_names(text, changed, language, language)
        and negations(changed, language) == negations(text, language)
    )


def negations(text: str, language: str) -> int:
    """How many words of `text` deny something; 0 in a language without rules."""
    known = _NEGATIONS.get(base(language))
    return len(known.findall(text)) if known else 0


def cleaned_answer(answer: str) -> str:
    """A model's answer without the quotes, label or code fence it may have put around the sentence."""
    lines = [
        line.strip() for line in answer.strip().splitlines() if line.strip() and not line.strip().startswith("```")
    ]
    if len(lines) == 2 and _LABEL.match(lines[0]):
        lines = lines[1:]
    cleaned = _LABEL.sub("", "\n".join(lines)).strip()
    while len(cleaned) > 1 and cleaned[0] in _QUOTES and cleaned[-1] in _QUOTES:
        cleaned = cleaned[1:-1].strip()
    return cleaned


def answer_problem(answer: str, text: str, original: str, language: str, ratio: float) -> str | None:
    """Why `answer` cannot stand for `text` (a translation of `original` into `language`); None where it can.

    `answer` is already cleaned. The length asked for is `ratio` times that of `text`, in predicted seconds.
    """
    length, lost = predicted_seconds(answer, language), missing_names(text, answer, language, language)
    problems = (
        (not any(letter.isalnum() for letter in answer), "it is empty"),
        ("\n" in answer, "it has more than one line"),
        (answer.casefold() == original.casefold() or not _in_language(answer, language), "it is in another language"),
        (length > ratio * predicted_seconds(text, language), "it is not short enough"),
        (numbers(answer, language) != numbers(text, language), "its numbers are not those of the line"),
        (bool(lost), f"it lost the name {', '.join(lost)}"),
        (bool(missing_names(answer, text, language, language)), "it names what the line does not name"),
        (
            bool(negations(answer, language)) != bool(negations(text, language)),
            "it changes what is denied",
        ),
        (not _related(answer, text), "it is about something else"),
    )
    return next((reason for found, reason in problems if found), None)


def tidied(text: str, model: str) -> str:
    """`text` with its spaces and commas in order, and capitals where sentences begin, as `model` had them."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.;:!?\u2026])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    text = re.sub(r",\s*([.;:!?\u2026])", r"\1", text)
    text = re.sub(r"^[,;:]\s*", "", text)
    text = re.sub(r"([.!?\u2026]\s+)(\w)", lambda match: match[1] + match[2].upper(), text)
    return text[:1].upper() + text[1:] if model[:1].isupper() else text


@cache
def _rules(language: str) -> tuple[Rule, ...]:
    found = [
        Rule(harm, re.compile(pattern.replace("{open}", _OPEN), re.IGNORECASE), put)
        for harm, pattern, put in _RULES.get(language, ())
    ]
    return tuple(sorted(found, key=lambda rule: rule.harm))


def _denied_before(text: str, place: int, language: str) -> bool:
    """True where one of the last words before `place`, in the same sentence, denies something."""
    before = re.split(r"[.!?;\u2026]", text[:place])[-1]
    return negations(" ".join(before.split()[-_REACH_OF_A_DENIAL:]), language) > 0


def _put(rule: Rule, match: re.Match[str]) -> str:
    put = match.expand(rule.put)
    return put[:1].upper() + put[1:] if match[0][:1].isupper() else put


def _in_language(answer: str, language: str) -> bool:
    """False where the answer has more little words of another language than of its own, and at least two."""
    words = re.findall(r"[^\W\d_]+", answer.lower())
    own = sum(word in _STOPWORDS.get(base(language), ()) for word in words)
    if base(language) not in _STOPWORDS:
        return True
    others = [sum(word in known for word in words) for name, known in _STOPWORDS.items() if name != base(language)]
    return max(others) < 2 or max(others) <= own


def _related(answer: str, text: str) -> bool:
    """True where enough of the answer's longer words begin as words of the text do: a paraphrase, no other matter."""
    stems = {word[:_SAME_STEM] for word in re.findall(r"[^\W\d_]+", text.lower())}
    words = re.findall(r"[^\W\d_]+", answer[:1].lower() + answer[1:])
    longer = [word for word in words if len(word) >= _SAME_STEM and word[0].islower()]  # names were judged before
    return not longer or sum(word[:_SAME_STEM] in stems for word in longer) >= _RELATED * len(longer)
