"""Spectral clustering in the place of the pipeline's own: pyannote's segments and embeddings, our count of people.

The pipeline hands over an embedding of every local speaker of every 10 s chunk. Those with enough speech of their own
inside the regions say how many people there are and what each one's voice is; then every local speaker is given to one
of them. Two that pyannote tells apart inside one chunk are two people, as long as there are enough people.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.clustering import Vectors, means_of
from octavia_dag.dubbing.eigengap import assign_by_eigengap
from octavia_dag.schema import Span

# Shares of a chunk that a local speaker must fill alone to be counted: pyannote's own, and a lower one where nobody
# fills that, as in a clip of a few words.
_FILLED = (0.2, 0.05)
_NEVER = -2.0


def spectral_clustering(threshold: float) -> Any:
    """A clustering for `SpeakerDiarization`; the file that the pipeline is given must name its `regions`."""
    from pyannote.audio.pipelines.clustering import BaseClustering

    class SpectralClustering(BaseClustering):
        expects_num_clusters = False

        def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, *, embeddings: Any, segmentations: Any, min_clusters: int, max_clusters: int, file: Any, **_: Any
        ) -> tuple[NDArray[np.int8], NDArray[np.float32], Vectors]:
            own, chunks, speakers = _counted(self, embeddings, _inside(segmentations, file["regions"]), min_clusters)
            active = segmentations.data.sum(axis=1) > 0
            if not len(own):  # nobody says enough to be told from anybody
                return np.zeros(active.shape, np.int8), np.ones((*active.shape, 1), np.float32), _unit(own[:0])
            window_s = _seconds_each(segmentations, chunks, speakers)
            windows = _unit(own)
            labels = assign_by_eigengap(windows, min_clusters, max_clusters, threshold=threshold, window_s=window_s)
            means = means_of(windows, labels)
            scores = _unit(embeddings) @ means.T
            scores[~active | np.isnan(scores).any(axis=2)] = _NEVER
            return _given(self, scores, active), scores, means

    return SpectralClustering()


def _counted(base: Any, embeddings: Any, segmentations: Any, fewest: int) -> tuple[Any, Any, Any]:
    """The embeddings that count, with their chunks and local speakers."""
    found = base.filter_embeddings(embeddings, segmentations, _FILLED[0])
    if len(found[0]) >= max(2, fewest):
        return found
    return base.filter_embeddings(embeddings, segmentations, _FILLED[1])


def _given(base: Any, scores: NDArray[np.float32], active: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The person of every local speaker, another one for each of a chunk where there are as many."""
    people = np.argmax(scores, axis=2).astype(np.int8)
    enough = active.sum(axis=1) <= scores.shape[2]
    if enough.any():
        people[enough] = base.constrained_argmax(scores[enough])
    return people


def _inside(segmentations: Any, regions: Sequence[Span]) -> Any:
    """The segmentation with nobody speaking outside `regions`."""
    from pyannote.core import SlidingWindowFeature

    window = segmentations.sliding_window
    chunks, frames, _ = segmentations.data.shape
    starts = window.start + window.step * np.arange(chunks)
    times = starts[:, None] + (np.arange(frames) + 0.5) / frames * window.duration
    edges = np.array([edge for region in regions for edge in (region.start, region.end)])
    inside = np.searchsorted(edges, times) % 2 == 1
    return SlidingWindowFeature(segmentations.data * inside[:, :, None], window)


def _seconds_each(segmentations: Any, chunks: NDArray[np.intp], speakers: NDArray[np.intp]) -> float:
    """Seconds of speech that one embedding stands for, chunks sharing most of what they hear."""
    window = segmentations.sliding_window
    count, frames, _ = segmentations.data.shape
    heard_s = segmentations.data.sum(axis=1)[chunks, speakers].mean() / frames * window.duration
    apart = ((count - 1) * window.step + window.duration) / (count * window.duration)
    return float(heard_s * apart)


def _unit(vectors: NDArray[np.float32]) -> Vectors:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)).astype(np.float32)
