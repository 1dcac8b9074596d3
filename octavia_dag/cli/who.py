"""Who works at the keyboard: written beside every change, so that a change can be asked about."""

import getpass


def operator() -> str:
    """The name this account goes by; where the system knows none, its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        import os

        return f"uid {os.getuid()}"
