"""Videos are dynamic partitions, languages the second dimension; keys are made and checked here.

A video's id is readable and safe: a slug of the first name it came under and the beginning of its content hash
(`talk-1a2b3c4d`). Its identity is the hash, so the same file under two names is one video. Dagster accepts any
text as a dynamic key ("|", spaces, line ends), which later breaks multi-partition keys: hence our own check, made
before a key reaches Dagster.
"""

import re
import unicodedata

import dagster as dg
import langcodes
from langcodes.tag_parser import LanguageTagError

from octavia_dag.errors import InputError, PairError

LANGUAGES = ("en", "es", "fr", "it", "pt-BR")
VIDEOS = dg.DynamicPartitionsDefinition(name="videos")
DUBS = dg.MultiPartitionsDefinition({"video": VIDEOS, "language": dg.StaticPartitionsDefinition(list(LANGUAGES))})

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8,64}")
_SLUG_LENGTH = 40
_HASH_LENGTH = 8


def video_id(name: str, sha256: str, *, hash_length: int = _HASH_LENGTH) -> str:
    """`slug-hash` of a file name (without its folder) and its content's sha256 in hex."""
    stem = name.rsplit(".", 1)[0] if "." in name.strip(".") else name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-") or "video"
    return f"{slug}-{sha256[:hash_length]}"


def checked_video(key: str) -> str:
    """`key` where it is a video's id; else an InputError."""
    if not _ID.fullmatch(key):
        raise InputError(f"{key!r} is no video's id; an id looks like talk-1a2b3c4d. List them with 'octavia videos'.")
    return key


def checked_language(tag: str) -> str:
    """`tag` in the project's spelling ("pt-br" becomes "pt-BR"); a PairError names those that can be asked for.

    A language that is dubbed into without regard to the country serves every country's tag ("en-US" becomes "en").
    """
    try:
        full = langcodes.standardize_tag(tag)
        bare = langcodes.get(full).language or ""
    except LanguageTagError:
        full = bare = ""
    match = "pt-BR" if full == "pt" else bare if bare in LANGUAGES else full
    if match not in LANGUAGES:
        raise PairError(f"{tag!r} is no language this installation dubs into; it has {', '.join(LANGUAGES)}.")
    return match


def same_language(tag: str | None, wanted: str) -> bool:
    """Whether a track's tag ("por") names the language of `wanted` ("pt-BR")."""
    return tag is not None and langcodes.get(tag).to_alpha3() == langcodes.get(wanted).to_alpha3()


def dub_key(video: str, language: str) -> dg.MultiPartitionKey:
    """The partition of one dub; both parts checked."""
    return dg.MultiPartitionKey({"video": checked_video(video), "language": checked_language(language)})


def parts(key: str | dg.MultiPartitionKey) -> tuple[str, str | None]:
    """(video, language) of a partition key; language is None for a video's own partition."""
    if isinstance(key, dg.MultiPartitionKey):
        return checked_video(key.keys_by_dimension["video"]), checked_language(key.keys_by_dimension["language"])
    return checked_video(key), None
