"""Everything a step works with, as one resource: the store, ffmpeg, the engines, the key of the private voices, the
translation memory, the storage that others reach. And what the run at hand was told in the Launchpad.
"""

from pathlib import Path

import dagster as dg

from octavia_dag.errors import RefusedError
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.ghosts import process_tags
from octavia_dag.resources.launch import Launch
from octavia_dag.resources.media import Media
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.storage import Storage
from octavia_dag.resources.vault import load_key, refuse_key


class Vault(dg.ConfigurableResource):
    """The key of the voice profiles: `key` comes from the environment, else the file that only its owner can read."""

    key: str = ""
    key_file: str
    makes_key: bool = True  # not where machines share their work: the others could not open what it seals

    def secret(self) -> bytes:
        """The Fernet key. Where there is none it is made and kept in `key_file`, or, if none may be, a RefusedError."""
        found = self.held()
        if found is None:
            raise RefusedError(
                "Sealing a voice: this machine has no key of voices, and makes none, since no other machine could open "
                f"what it seals; give it theirs, in OCTAVIA_VOICE_KEY or mounted as {self.key_file}."
            )
        return found

    def held(self) -> bytes | None:
        """The key, None where there is none and none may be made."""
        if not (self.key or self.makes_key or Path(self.key_file).exists()):
            return None
        return load_key(self.key or None, Path(self.key_file))

    def refuse_unusable(self) -> None:
        """What `secret` would raise, without making a key; also outside of a run, where nobody looked `key` up yet."""
        key = self.key.get_value() if isinstance(self.key, dg.EnvVar) else self.key
        refuse_key(key or None, Path(self.key_file))


class Workshop(dg.ConfigurableResource):
    """The tools of a step."""

    store: ArtifactStore
    media: Media
    engines: EngineRoom
    vault: Vault
    memory: Memory
    launch: Launch
    storage: Storage
    one_process: bool = True  # works on all steps of a run

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Before the first step of a run: it tells which process works on it."""
        if self.one_process and context.run is not None and context.instance is not None:
            context.instance.add_run_tags(context.run.run_id, process_tags(context.run.run_id))
