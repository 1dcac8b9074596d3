"""What every slice of the settings is: it never changes, and refuses what it does not know."""

from pydantic import BaseModel, ConfigDict


class Slice(BaseModel):
    """Base of the slices. A refused value never stands in an error's own text: it may be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
