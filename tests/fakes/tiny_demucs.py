"""htdemucs_6s of the real class, small, in the forms that the hub and the library's own repository have.

`noise` has random weights: what it makes depends on everything it hears. `through` has weights set by hand, so that
every stem is a known share of what it hears, at the same moment: the bed is `BED` times the sound.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from octavia_dag.resources.weights import seal

STEMS = ["drums", "bass", "other", "vocals", "guitar", "piano"]
# Together they are less than the sound, as in life: what no stem holds is part of no bed.
SHARES = (0.1, 0.1, 0.05, 0.4, 0.15, 0.1)
BED = 0.5
SIGNATURE = "5c90dfd2"
_SMALL: dict[str, Any] = {
    "channels": 8,
    "depth": 4,
    "t_layers": 1,
    "t_heads": 4,
    "t_hidden_scale": 1.0,
    "dconv_depth": 1,
    "dconv_comp": 4,
    "dconv_mode": 3,
}
# So far above zero that GELU and the gate of GLU let everything pass as it is.
_LIFT = 40.0


def demucs_folder(
    folder: Path,
    *,
    weights: Literal["noise", "through"] = "noise",
    form: Literal["th", "safetensors"] = "safetensors",
    segment: Fraction = Fraction(2),
    stems: list[str] = STEMS,
) -> Path:
    """Writes the weights into `folder`, as yet unsealed, and returns it."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    form_of: dict[str, Any] = {"segment": segment, **_SMALL}  # the library's own files have a fraction there
    model = HTDemucs(stems, **form_of)
    if weights == "through":
        with torch.no_grad():
            _let_through(model)
    folder.mkdir(parents=True, exist_ok=True)
    (_th if form == "th" else _safetensors)(folder, model)
    (folder / "htdemucs_6s.yaml").write_text(f"models: ['{SIGNATURE}']\n", encoding="utf-8")
    return folder


def sealed_demucs(folder: Path, **form: Any) -> str:
    """The reference of weights in `folder`, written and sealed."""
    seal(demucs_folder(folder, **form), str(folder), "tiny")
    return str(folder)


def _th(folder: Path, model: Any) -> None:
    import torch
    from demucs.states import get_state

    args, kwargs = model._init_args_kwargs
    package = {"klass": type(model), "args": args, "kwargs": kwargs, "state": get_state(model, None)}
    torch.save(package, folder / f"{SIGNATURE}.th")


def _safetensors(folder: Path, model: Any) -> None:
    from demucs.states import get_state
    from safetensors.torch import save_file

    args, kwargs = model._init_args_kwargs
    told = {
        "klass": f"{type(model).__module__}.{type(model).__name__}",
        "args": json.dumps(args),
        "kwargs": json.dumps(kwargs, default=_fraction),
    }
    save_file(get_state(model, None), folder / f"{SIGNATURE}.safetensors", metadata=told)


def _fraction(value: Fraction) -> dict[str, Any]:
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}


def _let_through(model: Any) -> None:
    """The branch in time hands its four samples a step on, over its first skip connection; all else is silent."""
    import torch

    for name, scale in model.named_parameters():
        if ".dconv." in name and name.endswith(".scale"):
            scale.zero_()
    for silent in (model.decoder[-1].conv_tr, model.tdecoder[-2].conv_tr):
        silent.weight.zero_()
        silent.bias.zero_()
    first, last = model.tencoder[0], model.tdecoder[-1]
    identity = torch.eye(8)
    for part in (first.conv, first.rewrite, last.rewrite, last.conv_tr):
        part.weight.zero_()
        part.bias.zero_()
    first.conv.bias.fill_(_LIFT)
    first.rewrite.weight[:8, :, 0] = identity
    first.rewrite.bias[:8] = -_LIFT
    first.rewrite.bias[8:] = _LIFT
    last.rewrite.weight[:8, :, 1] = identity
    last.rewrite.bias[8:] = _LIFT
    for side in range(2):
        for step in range(4):
            first.conv.weight[side * 4 + step, side, step + 2] = 1.0
            for stem, share in enumerate(SHARES):
                last.conv_tr.weight[side * 4 + step, stem * 2 + side, step + 2] = share
