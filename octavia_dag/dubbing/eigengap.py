"""How many people speak, and who is who, where voices lie far apart: the gap in the spectrum of a thresholded affinity.

Windows less alike than a threshold are not joined at all. Embeddings of large models hold one voice at cosines of 0.6
and more and two voices below 0.4, so that each voice is nearly a block of its own, and the Laplacian of the graph has
about as many eigenvalues near zero as there are people: the count is where the next one is furthest away (von Luxburg
2007, section 8.3). A window that is like no other (a laugh, a breath) is nobody, and joins the nearest afterwards, as
does whoever says too little. Small embeddings overlap too much for all that: see clustering.py, which also splits.
"""

import numpy as np

from octavia_dag.dubbing.clustering import MOST_WINDOWS, TINY_S, Labels, Vectors, cluster, means_of, settled

# Gaps that differ by less are equal, and then more people are believed.
_EQUAL = 1e-6


def assign_by_eigengap(windows: Vectors, minimum: int, maximum: int, *, threshold: float, window_s: float) -> Labels:
    """Speaker per window, 0 to count - 1; the count lies between `minimum` and `maximum`, fixed where they are equal.

    `windows` (n, size) are unit-length embeddings, each standing for `window_s` seconds of speech; there are never more
    speakers than windows. Of very many windows some are clustered, evenly spaced, and the others join the nearest mean.
    """
    if len(windows) < 2:
        return np.zeros(len(windows), np.intp)
    stride = -(-len(windows) // MOST_WINDOWS)
    chosen = _judged(windows[::stride], minimum, threshold, window_s * stride)
    count = group_count(chosen, minimum, maximum, threshold=threshold)
    labels = cluster(chosen, count)
    if minimum < count:
        merged = settled(chosen, labels, window_s * stride, fewest=1)
        labels = merged if merged.max() + 1 >= minimum else cluster(chosen, minimum)
    if len(chosen) == len(windows):
        return labels
    nearest = np.argmax(windows @ means_of(chosen, labels).T, axis=1)
    return np.unique(nearest, return_inverse=True)[1].astype(np.intp)


def _judged(windows: Vectors, minimum: int, threshold: float, window_s: float) -> Vectors:
    """The windows without those that are like no other, where one alone is too short to be judged by."""
    alike = (windows @ windows.T >= threshold).sum(axis=1) > 1
    return windows[alike] if window_s < TINY_S and alike.sum() >= max(minimum, 2) else windows


def group_count(windows: Vectors, minimum: int, maximum: int, *, threshold: float) -> int:
    """The count of groups with the widest gap behind it, between the bounds and not above the number of windows."""
    from scipy.linalg import eigh

    most = min(maximum, len(windows))
    least = min(minimum, most)
    if least == most:
        return least
    if len(windows) == 2:  # too few for a gap
        return 1 if float(windows[0] @ windows[1]) >= threshold else 2
    cosines = (windows @ windows.T).astype(np.float64)
    affinity = np.where(cosines >= threshold, cosines, 0.0)
    scale = 1.0 / np.sqrt(np.maximum(affinity.sum(axis=1), 1e-9))
    last = min(most, len(windows) - 1)
    alike = eigh(-affinity * scale[:, None] * scale, eigvals_only=True, subset_by_index=(0, last))
    gaps = np.diff(alike)  # gaps[0] is that behind one group
    counts = range(least, len(gaps) + 1)
    widest = max(gaps[count - 1] for count in counts)
    return max(count for count in counts if gaps[count - 1] >= widest - _EQUAL)
