"""An installation with a storage, in this process: what is dropped is taken by the same code as in a run."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from bucket import Bucket
from octavia_fakes import ENGINES

from octavia_dag.definitions import workshop
from octavia_dag.dubbing.dropping import Upload, uploads
from octavia_dag.environment import Environment
from octavia_dag.resources.storage import INCOMING
from octavia_dag.resources.videos import VideoRecord, find, record, records
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.taking import take_one


@dataclass(frozen=True)
class Dropped:
    """The installation, and the storage as an outside program sees it: a folder, or a bucket."""

    tools: Workshop
    instance: dg.DagsterInstance
    root: Path | None
    bucket: Bucket | None

    def put(self, key: str, content: bytes | Path) -> None:
        """Drops something."""
        body = content.read_bytes() if isinstance(content, Path) else content
        if self.bucket is not None:
            self.bucket.put(key, body)
        elif self.root is not None:
            (self.root / key).parent.mkdir(parents=True, exist_ok=True)
            (self.root / key).write_bytes(body)

    def get(self, key: str) -> bytes:
        """What lies there."""
        if self.bucket is not None:
            return self.bucket.get(key)
        assert self.root is not None
        return (self.root / key).read_bytes()

    def lying(self, prefix: str = "") -> list[str]:
        """Everything in the storage."""
        if self.bucket is not None:
            return sorted(self.bucket.all_keys(prefix))
        assert self.root is not None
        found = (one.relative_to(self.root).as_posix() for one in self.root.rglob("*") if one.is_file())
        return sorted(one for one in found if one.startswith(prefix))

    def there(self) -> list[Upload]:
        """The uploads that lie in the drop folder."""
        return uploads(self.tools.storage.listed(INCOMING), INCOMING)

    def upload(self, key: str) -> Upload:
        """One of them."""
        (found,) = [one for one in self.there() if one.video.key == key]
        return found

    def take(self, *keys: str, reason: str = "") -> list[str]:
        """Takes what is there, or some of it, and returns what became of each."""
        found = [self.upload(key) for key in keys] if keys else self.there()
        return [take_one(self.tools, self.instance, replace(one, reason=reason)) for one in found]

    def video(self, content: bytes | Path) -> VideoRecord | None:
        """The record of the video with this content."""
        body = content.read_bytes() if isinstance(content, Path) else content
        return find(self.tools.store, hashlib.sha256(body).hexdigest())

    def settings(self, video: str) -> dict[str, Any]:
        """The video's own layer."""
        path = self.tools.store.video_folder(video) / "settings.yaml"
        return yaml.safe_load(path.read_text()) if path.exists() else {}

    def records(self) -> list[VideoRecord]:
        """All that is registered."""
        return records(self.tools.store)

    def requested(self, video: str) -> tuple[str, ...]:
        """The languages that a video is dubbed into."""
        return record(self.tools.store, video).requested


def make_dropped(
    folder: Path, models_dir: str, instance: dg.DagsterInstance, bucket: Bucket | None, *, gb: int = 100
) -> Dropped:
    """A fresh installation below `folder`, with fakes for engines; without a bucket its storage is a folder."""
    root = folder / "storage"
    (root / "incoming").mkdir(parents=True)
    environment = Environment(
        home=folder / "home",
        models_dir=Path(models_dir),
        threads=1,
        has_voice_key=False,
        has_chat_key=False,
        has_memory_url=False,
        storage=bucket.url if bucket else f"file://{root}",
        s3_endpoint=bucket.endpoint if bucket else None,
        s3_region="us-east-1" if bucket else None,
        fetched_gb=gb,
    )
    environment.store.mkdir(parents=True)
    (environment.store / "settings.yaml").write_text(yaml.safe_dump(ENGINES))
    return Dropped(workshop(environment), instance, None if bucket else root, bucket)
