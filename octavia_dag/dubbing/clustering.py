"""How many people speak, and what each one's voice is: from voice embeddings alone.

The count is the hard part: the plain eigengap says 1 where four people take short turns over music, and 8 where one
person reads. So the windows are split into too many groups on purpose, by spectral clustering under several prunings
of the affinity (the idea of NME-SC: Park et al. 2020, that no one pruning is right) and by average linkage; then
groups whose means are too alike are merged, and groups too short to judge join their nearest. What survives is one
vote for the count. Means tell people apart far better than windows do: same voice 0.8 and more, different below 0.66.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Labels = NDArray[np.intp]

PRUNINGS = (0.08, 0.13, 0.2, 0.3)
LINKAGES = (0.35, 0.45, 0.55)  # cosine distances at which the linkage tree is cut
TINY_S = 2.0
# Means over 6 s of speech or more are the same voice at a cosine of 0.70; over 2 s they scatter, and the same
# voice is met at 0.52 (measured on readers and dialogues; single 3 s stretches: 0.61 to 0.63).
ALIKE_SECONDS = (2.0, 6.0)
ALIKE_COSINES = (0.52, 0.70)
LINKAGE_STRICTER = 0.12
MOST_WINDOWS = 1200


def speaker_means(windows: Vectors, minimum: int, maximum: int, *, window_s: float) -> Vectors:
    """Unit-length mean embedding of each speaker, shape (speakers, size).

    `windows` (n, size) are unit-length embeddings, each standing for `window_s` seconds of speech. The count is
    estimated between `minimum` and `maximum` (fixed where they are equal), but never exceeds n. Of more than 1,200
    windows that many are used, evenly spaced: time and memory stay bounded.
    """
    stride = max(1, -(-len(windows) // MOST_WINDOWS))
    chosen = windows[::stride]
    labels = assign(chosen, minimum, maximum, window_s=window_s * stride)
    return means_of(chosen, labels)


def assign(windows: Vectors, minimum: int, maximum: int, *, window_s: float) -> Labels:
    """Speaker per window, 0 to count - 1, for at most some thousand windows; the count as in `speaker_means`."""
    if len(windows) < 2:
        return np.zeros(len(windows), np.intp)
    if minimum == maximum:
        return cluster(windows, minimum)
    spectral = [settled(windows, labels, window_s) for labels in _spectral(windows, _too_many(len(windows), maximum))]
    # A guest who says one sentence in an hour is lost to spectral clustering, not to linkage. Linkage also keeps
    # outliers (a laugh, a shout) as groups, so it must see them further apart to be believed over the other.
    linkage = [settled(windows, labels, window_s, stricter=LINKAGE_STRICTER) for labels in _linkage(windows)]
    count = max(_vote(spectral), _vote(linkage))
    count = min(max(count, minimum), maximum)
    found = [labels for labels in chain(spectral, linkage) if labels.max() + 1 == count]
    return _tightest(windows, found) if found else cluster(windows, count)


def cluster(windows: Vectors, count: int) -> Labels:
    """The tightest split of `windows` into `count` groups (fewer where there are not that many windows)."""
    count = min(count, len(windows))
    if count == 1:
        return np.zeros(len(windows), np.intp)
    return _tightest(windows, [*_spectral(windows, (count,)), _cut(windows, count)])


def means_of(windows: Vectors, labels: Labels) -> Vectors:
    """Unit-length mean of each group, shape (groups, size)."""
    means = np.stack([windows[labels == group].mean(axis=0) for group in range(labels.max() + 1)])
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


def settled(windows: Vectors, labels: Labels, window_s: float, *, stricter: float = 0.0, fewest: int = 2) -> Labels:
    """`labels` after groups too short to judge have joined their nearest, and groups too alike have been merged.

    `stricter` lowers the cosine at which two groups count as one voice. A group of less than `fewest` windows is too
    short, however long they are.
    """
    labels = _renumbered(labels)
    while labels.max() > 0:
        means = means_of(windows, labels)
        cosines = means @ means.T
        np.fill_diagonal(cosines, -1.0)
        sizes = np.bincount(labels)
        seconds = sizes * window_s
        smallest = int(np.argmin(seconds))
        if seconds[smallest] < TINY_S or sizes[smallest] < fewest:
            pair = smallest, int(np.argmax(cosines[smallest]))
        else:
            limits = np.interp(np.minimum(seconds[:, None], seconds), ALIKE_SECONDS, ALIKE_COSINES) - stricter
            first, second = np.unravel_index(np.argmax(cosines - limits), cosines.shape)
            pair = int(first), int(second)
            if cosines[pair] < limits[pair]:
                break
        labels = _renumbered(np.where(labels == pair[0], pair[1], labels))
    return labels


def _too_many(windows: int, maximum: int) -> tuple[int, ...]:
    """Group counts of at least the maximum: what was never split cannot be found by merging."""
    most = max(2, windows // 2)
    return tuple(sorted({min(count, most) for count in (max(maximum, 2), maximum + 1, maximum + 2)}))


def _spectral(windows: Vectors, counts: tuple[int, ...]) -> Iterator[Labels]:
    """Splits into each of `counts` groups, per pruning (von Luxburg 2007, normalised Laplacian, unit-length rows)."""
    from scipy.linalg import eigh
    from sklearn.cluster import KMeans

    cosines = np.maximum(windows @ windows.T, 0.0).astype(np.float64)
    for share in PRUNINGS:
        affinity = _pruned(cosines, share)
        scale = 1.0 / np.sqrt(np.maximum(affinity.sum(axis=1), 1e-9))
        vectors: NDArray[np.float64] = eigh(
            -affinity * scale[:, None] * scale, subset_by_index=(0, min(max(counts), len(windows)) - 1)
        )[1]
        for count in counts:
            rows = vectors[:, :count]
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            grouping = KMeans(count, n_init=3, random_state=0)  # pyright: ignore[reportArgumentType]
            yield np.asarray(grouping.fit_predict(rows), np.intp)


def _pruned(cosines: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Each window keeps its nearest `share` of the others; made symmetric."""
    keep = min(len(cosines), max(2, round(share * len(cosines))))
    nearest = np.argpartition(-cosines, keep - 1, axis=1)[:, :keep]
    kept = np.zeros_like(cosines)
    np.put_along_axis(kept, nearest, np.take_along_axis(cosines, nearest, axis=1), axis=1)
    return (kept + kept.T) / 2


def _linkage(windows: Vectors) -> Iterator[Labels]:
    from scipy.cluster.hierarchy import fcluster

    tree = _tree(windows)
    for distance in LINKAGES:
        yield np.asarray(fcluster(tree, distance, "distance"), np.intp)


def _cut(windows: Vectors, count: int) -> Labels:
    from scipy.cluster.hierarchy import fcluster

    return _renumbered(np.asarray(fcluster(_tree(windows), count, "maxclust"), np.intp))


def _tree(windows: Vectors) -> NDArray[np.float64]:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import pdist

    return linkage(np.maximum(pdist(windows.astype(np.float64), "cosine"), 0.0), "average")


def _vote(splits: list[Labels]) -> int:
    """The count that most splits agree on, the higher one of equals."""
    counts = Counter(int(labels.max()) + 1 for labels in splits)
    return max(counts, key=lambda count: (counts[count], count))


def _tightest(windows: Vectors, splits: list[Labels]) -> Labels:
    """The split whose windows lie nearest to the mean of their own group; the one with more groups of equals."""
    return max(splits, key=lambda labels: float(np.sum(windows * means_of(windows, labels)[labels])))


def _renumbered(labels: Labels) -> Labels:
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
