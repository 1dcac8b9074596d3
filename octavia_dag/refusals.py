"""What is wrong with settings, in a sentence that names what there is, or the limits. No refused secret is repeated."""

from pydantic import BaseModel, ValidationError


def sentence(error: ValidationError, settings: type[BaseModel]) -> str:
    """One sentence on the first thing that is wrong, with what is known or allowed there."""
    first = error.errors()[0]
    here = first["loc"]
    name = ".".join(str(part) for part in here)
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name}; known here: {', '.join(_known(settings, here))}."
    if first["type"] == "invalid_key":
        known = ", ".join(_known(settings, here))
        return f"A setting is named {first['input']!r}, which is no text; known here: {known}."
    if first["type"] == "value_error":
        return f"Settings do not go together: {first.get('ctx', {})['error']}"
    if first["type"] == "string_pattern_mismatch":  # what was given is not repeated: it may hold a secret
        return f"The setting {name} must be a bare http(s) address; a key belongs into the variable OCTAVIA_CHAT_KEY."
    limits = _limits(settings, here)
    return f"The setting {name} has the value {first['input']!r}, which is refused: {first['msg']}{limits}."


def _known(settings: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    if len(location) < 2:
        return sorted(settings.model_fields)
    kind = _slice(settings, location)
    return sorted(kind.model_fields) if kind else []


def _slice(settings: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    kind = settings.model_fields[str(location[0])].annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _limits(settings: type[BaseModel], location: tuple[int | str, ...]) -> str:
    kind = _slice(settings, location)
    if len(location) < 2 or kind is None:
        return ""
    bounds = [
        f"{mark} {getattr(limit, key)}"
        for limit in kind.model_fields[str(location[1])].metadata
        for key, mark in (("ge", "at least"), ("le", "at most"))
        if hasattr(limit, key)
    ]
    return f" (limits: {', '.join(bounds)})" if bounds else ""
