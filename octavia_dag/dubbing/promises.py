"""Which broken promises hold a delivery back: all but those that a listener may judge otherwise."""

from octavia_dag.dubbing import quality
from octavia_dag.schema import QaReport


def held(report: QaReport) -> tuple[str, ...]:
    """Why a dub may not be delivered, in sentences; empty where it may."""
    return tuple(quality.in_words(one) for one in report.measures if not one.ok)
