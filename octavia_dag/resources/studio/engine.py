"""What every studio engine is told: which weights, where they compute, and whether the CPU may help out."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, TypeVar

from octavia_dag.errors import OctaviaError
from octavia_dag.resources.engines import Engine, Licence
from octavia_dag.resources.studio.device import CPU, device_of
from octavia_dag.resources.studio.residency import GIB, in_batches, residents
from octavia_dag.resources.weights import Reference, revision, weights_dir

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")


def unknown(part: str, reference: Reference) -> Licence:
    """The licence of weights that only who chose them can know."""
    return Licence(part=part, name="not known", commercial=False, weights=str(reference))


class StudioEngine(Engine):
    """Base of the studio engines. `weights` is a reference (resources/weights.py); `cpu_fallback` lets a piece that
    the card cannot hold go to the CPU, which takes many times as long.
    """

    # The library that must be installed for it.
    needs: ClassVar[str] = "torch"

    weights: str
    cpu_fallback: bool = False

    @property
    def home(self) -> str:
        """The device that models of this engine live on."""
        return device_of(self.device)

    def folder(self) -> Path:
        """The weights' folder, every file of it checked."""
        return weights_dir(self.models_dir, self.weights)

    def weights_revision(self) -> str:
        """Which weights these are, for a content key."""
        return revision(self.models_dir, self.weights)

    def of_weights(self, known: Licence) -> Licence:
        """`known`, which is that of the default weights; of others it is not known, unless those were not for sale."""
        told, usual = Reference.of(self.weights), Reference.of(type(self).model_fields["weights"].default)
        if told.repository == usual.repository or not known.commercial:
            return known
        return unknown(known.part if str(told) in known.part else f"{known.part} ({told})", told)

    def references(self) -> tuple[str, ...]:
        """Every reference to weights that it works with."""
        return (self.weights,)

    def missing(self) -> tuple[str, ...]:
        """The library and the weights that are not there."""
        found: list[str] = []
        if find_spec(self.needs.partition(".")[0]) is None:
            found.append(f"{type(self).__name__} needs {self.needs}, which is not installed; run 'make studio'.")
        for reference in self.references():
            try:
                weights_dir(self.models_dir, reference)
            except OctaviaError as error:
                found.append(str(error))
        return tuple(found)

    def fitting(
        self, pieces: Sequence[P], run: Callable[[Sequence[P], str], Sequence[R]], size: int, what: str
    ) -> list[R]:
        """`run` over `pieces` and a device, as many at once as memory holds; one that does not fit alone goes to the
        CPU where it may.
        """
        home = self.home

        def at_home(some: Sequence[P]) -> Sequence[R]:
            return run(some, home)

        def on_the_cpu(some: Sequence[P]) -> Sequence[R]:
            return run(some, CPU)

        helped = self.cpu_fallback and home != CPU
        return in_batches(pieces, at_home, size=size, what=what, instead=on_the_cpu if helped else None)

    @contextmanager
    def resident(self, part: str, needs_gib: float, load: Callable[[str], T], device: str = "") -> Generator[T]:
        """A model of this engine, kept between calls: `load` is given the device. `part` tells its models apart.

        Weights that were sealed anew under the same reference are another model, as they are another content key.
        """
        where = device or self.home
        name = f"{type(self).__name__} {part} {self.weights} {self.weights_revision()}"
        with residents(where).using(name, round(needs_gib * GIB), lambda: load(where)) as model:
            yield model
