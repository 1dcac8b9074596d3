"""Where the studio engines compute: the GPU where there is one, else the CPU; OCTAVIA_DEVICE decides otherwise."""

from octavia_dag.errors import EngineError

CPU = "cpu"


def device_of(asked: str) -> str:
    """ "cuda" (or "cuda:1") or "cpu"; an EngineError where a GPU is asked for and torch sees none."""
    import torch

    if not asked:
        return "cuda" if torch.cuda.is_available() else CPU
    if asked.startswith("cuda") and not torch.cuda.is_available():
        raise EngineError(
            f"OCTAVIA_DEVICE asks for {asked}, but torch sees no GPU; mend the driver, or unset it for the CPU."
        )
    return asked
