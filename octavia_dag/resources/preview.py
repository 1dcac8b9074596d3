"""Small media for a report's page, which must hold both programmes in itself: what fits into a budget, whatever it is.

Sound comes first, since a dub is judged by ear; a picture is added as long as the budget leaves enough for one. The
original's is encoded once per video and kept under the video's folder. The dub's picture is the same packets, so only
its sound is encoded, as it is decoded from the deliverable; where the packets differ, its own picture is shown.
Both begin at the programme's beginning, as every time in every document does.
"""

import os
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any

import ffmpeg

from octavia_dag.errors import InputError
from octavia_dag.resources.artifacts import ArtifactStore, guarded
from octavia_dag.resources.fetched import bring_back
from octavia_dag.resources.locks import locked
from octavia_dag.resources.media import Media, url
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.resources.storage import Storage
from octavia_dag.resources.videos import VideoRecord, file_state
from octavia_dag.schema import SourceVideo
from octavia_dag.settings import digest

BUDGET_BYTES = 40 << 20  # of both programmes; a page is a third larger, being text
KIND = "video/mp4"
_METHOD = 1  # raise when the same programme is to be encoded otherwise
_SOUND_KBPS, _LEAST_SOUND_KBPS, _STEREO_KBPS = 56, 12, 40
_PICTURE_KBPS, _LEAST_PICTURE_KBPS = 260, 60
_TALL, _LOW = 360, 240  # pixels; the lower one where there is less than _TALL_KBPS for it
_TALL_KBPS = 120
_SOUND_CARE = 4  # of 10: libopus takes half the time for a difference that is not heard at such rates
_RATE_HZ = 48000
_MOST_PER_S = 15.0
_KEY_S = 2  # a key frame this often, so that a jump is quick


@dataclass(frozen=True)
class Small:
    """How small: `picture_kbps` is 0 where there is room for the sound alone."""

    sound_kbps: int
    channels: int
    picture_kbps: int
    height: int


def fitting(seconds: float) -> Small | None:
    """The best that the budget holds of two programmes of this length, None where not even their sound fits."""
    each = BUDGET_BYTES * 8 / 1000 / 2 / max(seconds, 1.0)
    sound = min(_SOUND_KBPS, int(each))
    if sound < _LEAST_SOUND_KBPS:
        return None
    picture = min(_PICTURE_KBPS, int(each - sound))
    picture = picture if picture >= _LEAST_PICTURE_KBPS else 0
    return Small(sound, 2 if sound >= _STEREO_KBPS else 1, picture, _TALL if picture >= _TALL_KBPS else _LOW)


def original(
    store: ArtifactStore, storage: Storage, media: Media, record: VideoRecord, source: SourceVideo, small: Small
) -> Path:
    """The original, small; an InputError where that must be made yet and its file is no longer there.

    One that lies elsewhere is fetched again.
    """
    name = digest([_METHOD, asdict(small), source.track, source.origin_s])[:16]
    kept = store.video_folder(record.id) / "preview" / f"{name}.mp4"
    with locked(store, "preview", record.id, None):
        if not kept.is_file():
            bring_back(store, storage, record)
            _refuse_another(store, record)
            with store.workspace() as folder, guarded(f"Keeping a small copy of {record.name}"):
                made = folder / kept.name
                _encode(media, Path(record.path), source, small, made)
                kept.parent.mkdir(parents=True, exist_ok=True)
                for older in kept.parent.glob("*.mp4"):
                    older.unlink()
                os.replace(made, kept)
    return kept


def dub(media: Media, deliverable: Path, small: Small, out: Path, same_picture: Path | None) -> Path:
    """The deliverable, small, as `out`; with the picture of `same_picture` where its packets are the same."""
    _encode(media, deliverable, probe_video(media, deliverable, "", 0), small, out, same_picture)
    return out


def _refuse_another(store: ArtifactStore, record: VideoRecord) -> None:
    """An InputError where the video's file is gone, or holds something else by now."""
    state = file_state(store, record)
    if state != "whole":
        what = "is another one now" if state == "another" else "is gone"
        raise InputError(
            f"Writing a report of {record.name}: its file {record.path} {what}; put it back, or dub it from where it "
            "lies now."
        )


def _encode(
    media: Media, path: Path, source: SourceVideo, small: Small, out: Path, same_picture: Path | None = None
) -> None:
    sound = ffmpeg.input("pipe:", format="f32le", ar=_RATE_HZ, ac=small.channels)
    streams: list[Any] = []
    options: dict[str, Any] = {}
    if small.picture_kbps and source.video is not None:
        if same_picture is not None:
            streams, options = [ffmpeg.input(url(same_picture))["v:0"]], {"vcodec": "copy"}
        else:
            streams, options = [_picture(path, source, small.height)], _h264(source.video.frame_rate, small)
    graph = ffmpeg.output(
        *streams, sound, url(out), format="mp4", movflags="+faststart", acodec="libopus", map_metadata=-1,
        **{"b:a": f"{small.sound_kbps}k", "compression_level": _SOUND_CARE, **options},
    )  # fmt: skip
    blocks = source_blocks(media, path, source, rate=_RATE_HZ, channels=small.channels)
    media.write(graph, (block.tobytes() for block in blocks), f"Making a small copy of {path.name}")


def _picture(path: Path, source: SourceVideo, height: int) -> Any:
    """The picture from the programme's beginning on, as it is shown: upright, with square pixels."""
    assert source.video is not None
    picture = ffmpeg.input(url(path), copyts=None)[str(source.video.index)]
    picture = picture.filter("setpts", f"PTS-{source.origin_s:.6f}/TB")
    picture = picture.filter("fps", fps=_fewer(source.video.frame_rate), start_time=0)
    high = f"2*trunc(min({height},ih)/2)"
    return picture.filter("scale", w="max(2,2*trunc(oh*dar/2))", h=high).filter("setsar", 1)


def _h264(frame_rate: float, small: Small) -> dict[str, Any]:
    return {
        "vcodec": "libx264", "preset": "veryfast", "crf": 30, "maxrate": f"{small.picture_kbps}k",
        "bufsize": f"{2 * small.picture_kbps}k", "pix_fmt": "yuv420p", "g": round(_KEY_S * _fewer(frame_rate)),
    }  # fmt: skip


def _fewer(frame_rate: float) -> float:
    """Every picture, every second one, ...: 15 a second at most."""
    return round(frame_rate / max(1, ceil(frame_rate / _MOST_PER_S)), 3) or 1.0
