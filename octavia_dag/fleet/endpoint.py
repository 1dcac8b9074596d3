"""The endpoint whose workers are kept warm, as sensors, commands and workers ask it: briefly, or not at all.

A look is soon followed by another one, and a sensor that waits long is ended; so what does not answer is given up after
two tries. The key has a variable of its own: on a worker the provider fills RUNPOD_API_KEY with one that is good for
less.
"""

import dagster as dg

from octavia_dag.errors import SettingsError
from octavia_dag.fleet.runpod_api import RunPod

_TRIES, _TIMEOUT_S, _PAUSE_S = 2, 7.0, 1.0


class Endpoint(dg.ConfigurableResource):
    """The endpoint `name`; `key` is the account's. Addresses that are empty are RunPod's own."""

    name: str
    key: str = ""
    jobs_url: str = ""
    rest_url: str = ""

    def api(self) -> RunPod:
        """What it can be asked with; a SettingsError where there is no key that can be sent."""
        # Outside of a run nobody has looked the variable up yet.
        key = (self.key.get_value() or "") if isinstance(self.key, dg.EnvVar) else self.key
        if not key:
            raise SettingsError(
                f"Keeping workers of {self.name} needs the account's key; set OCTAVIA_RUNPOD_KEY wherever they are "
                "kept or watched."
            )
        if not key.isascii() or not key.isprintable() or " " in key:  # the sentence about it would hold it
            raise SettingsError(f"The key for {self.name} has signs that no key has; set OCTAVIA_RUNPOD_KEY again.")
        urls = {"jobs": self.jobs_url, "rest": self.rest_url}
        given = {name: url.rstrip("/") for name, url in urls.items() if url}
        return RunPod(self.name, key, timeout_s=_TIMEOUT_S, longest_wait_s=_PAUSE_S, tries=_TRIES, **given)
