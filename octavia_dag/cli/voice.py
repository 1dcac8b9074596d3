"""`octavia voice`: a personal voice for the main speaker, never without a record of who consented to what.

Sample and consent are registered together and removed together. The recording itself is only read: what is kept of it
is a sealed profile, for every video or for one.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from octavia_dag import environment as surroundings
from octavia_dag.assets.engaging import engine_for
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.home import home_option
from octavia_dag.cli.which import meant
from octavia_dag.cli.who import operator
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError
from octavia_dag.layers import settings_of
from octavia_dag.resources import personal
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.engines import VoiceCloner
from octavia_dag.resources.vault import keyed_hash
from octavia_dag.resources.videos import records
from octavia_dag.resources.workshop import Workshop

NOT_CLONED = "The embedded voices are matched to the sample, not cloned from it."


def _place(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --video and --home."""
    return click.option("--video", metavar="VIDEO", help="For this video only; unset: for every video.")(
        home_option(command)
    )


@click.group()
def voice() -> None:
    """The personal voice of the main speaker: add, show, remove."""


@voice.command()
@click.argument("sample", type=click.Path(path_type=Path))
@click.option("--who", required=True, help="Whose voice it is: the person who consents.")
@click.option("--purpose", required=True, help="What the person consents to.")
@_place
def add(sample: Path, who: str, purpose: str, video: str | None, home: Path | None) -> None:
    """Register the voice in SAMPLE (wav, flac, mp3, mp4) for whoever talks the most."""
    _refuse_empty(who=who, purpose=purpose)
    environment, tools, video = _tools(home, video)
    refuse_home(environment)
    settings = settings_of(environment.store, video)
    cloner = engine_for(tools, settings, VoiceCloner, "cloner")
    profile = personal.profile_of(personal.sound_of(tools.media, sample), cloner, settings.voices.reference_s)
    key = tools.vault.process_config_and_initialize().secret()
    consent = personal.Consent(
        who=who.strip(),
        purpose=purpose.strip(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        recorded_by=operator(),
        voice=keyed_hash([profile], key),
        engine=personal.engine_name(cloner),
    )
    personal.keep(tools.store, video, profile, consent, key)
    click.echo(f"{_told(video, consent)} {NOT_CLONED}")


@voice.command()
@_place
def show(video: str | None, home: Path | None) -> None:
    """Say whose personal voice is registered, and for what."""
    _, tools, video = _tools(home, video)
    places = [video] if video else [None, *(one.id for one in records(tools.store))]
    found = [(place, consent) for place in places if (consent := personal.registered(tools.store, place))]
    for place, consent in found:
        click.echo(_told(place, consent))
    if not found:
        click.echo(f"No personal voice is registered{f' for {video} alone' if video else ''}.")


@voice.command()
@_place
def remove(video: str | None, home: Path | None) -> None:
    """Delete the sealed sample and its consent; dubs that are made stay as they are until they are made again."""
    _, tools, video = _tools(home, video)
    if not personal.remove(tools.store, video):
        raise InputError(f"No personal voice is registered for {video or 'every video'}; 'octavia voice show' tells.")
    click.echo(f"The personal voice for {video or 'every video'} is removed.")


def _tools(home: Path | None, video: str | None) -> tuple[Environment, Workshop, str | None]:
    """The tools, and the id of the video that is meant, if any."""
    environment = surroundings.read(home)
    surroundings.enter(environment)
    store = ArtifactStore(root=str(environment.store), scratch=str(environment.scratch))
    known = meant(store, video).id if video else None
    from octavia_dag.definitions import workshop

    return environment, workshop(environment), known


def _refuse_empty(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip():
            raise InputError(
                f"Registering a personal voice: --{name} is empty; a consent names a person and a purpose."
            )


def _told(video: str | None, consent: personal.Consent) -> str:
    return (
        f"{video or 'every video'}: {consent.who}, for {consent.purpose} "
        f"(recorded {consent.when} by {consent.recorded_by})."
    )
