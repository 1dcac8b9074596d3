"""A translation is approved by its data version: whatever is changed in it must be approved again.

    STORE/videos/VIDEO/approval.LANG.json   who, when, which translation

Step and plan ask `waits`, so that both come to the same answer.
"""

from datetime import UTC, datetime
from pathlib import Path

from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.corrections import keep_document, read_document
from octavia_dag.schema import Approval
from octavia_dag.settings import Settings


def waits(store: ArtifactStore, video: str, language: str, settings: Settings, translation: str | None = None) -> bool:
    """Whether nothing may be spoken yet: a review is required, and the translation is not approved.

    `translation` is the data version that is to be spoken; without it, that of the current one.
    """
    if settings.delivery.review != "required":
        return False
    pointer = store.pointer("translation", video, language)
    wanted = translation or (pointer and pointer.data_version)
    approval = approved(store, video, language)
    return wanted is None or approval is None or approval.translation != wanted


def command(video: str, language: str) -> str:
    """What a person types to approve."""
    return f"octavia review approve {video} --to {language}"


def approve(store: ArtifactStore, video: str, language: str, *, translation: str, who: str) -> Approval:
    """Records that `who` approved the translation of this data version."""
    approval = Approval(who=who, when=datetime.now(UTC).isoformat(timespec="seconds"), translation=translation)
    keep_document(_path(store, video, language), approval)
    return approval


def approved(store: ArtifactStore, video: str, language: str) -> Approval | None:
    """The latest approval, None where there was none."""
    return read_document(_path(store, video, language), Approval)


def _path(store: ArtifactStore, video: str, language: str) -> Path:
    return store.video_folder(video) / f"approval.{language}.json"
