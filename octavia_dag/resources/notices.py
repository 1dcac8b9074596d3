"""Posts a notice to a webhook that takes `{"text": ...}`, as Slack does. The address is a secret: who has it can post.

So it stands in no log, no error and no metadata, not even when it is wrong; neither does what the other side answers.
A webhook that is away holds nothing up: two tries of two seconds, and then a sentence for the log.
"""

import logging
from urllib.parse import quote

import dagster as dg
import httpx

_TRIES = 2
_WAIT_S = 2.0
_LONGEST = 3000
_TOO_MANY = 429
# The client tells the address of every request to its log.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Notices(dg.ConfigurableResource):
    """Where notices go, `webhook` being empty where they go nowhere, and how people reach the UI."""

    webhook: str = ""
    ui: str

    def run_link(self, run_id: str) -> str:
        """Where the UI shows a run."""
        return f"{self.ui}/runs/{run_id}"

    def asset_link(self, asset: str, partition: str) -> str:
        """Where the UI shows one partition of an asset."""
        return f"{self.ui}/assets/{asset}?partition={quote(partition, safe='')}"

    def post(self, text: str) -> str | None:
        """Posts `text`; None where it arrived, else why not, in a sentence."""
        why = ""
        for _ in range(_TRIES):
            try:
                answer = httpx.post(self.webhook, json={"text": text[:_LONGEST]}, timeout=_WAIT_S)
            except (
                httpx.HTTPError,
                httpx.InvalidURL,
                ValueError,
            ) as error:  # a ValueError: it is no text for an address
                why = type(error).__name__
            else:
                if answer.is_success:
                    return None
                why = f"it answered {answer.status_code}"
                if answer.status_code < 500 and answer.status_code != _TOO_MANY:
                    break  # it will not answer otherwise the next time
        return f"A notice could not be posted to the webhook ({why}); check OCTAVIA_WEBHOOK. It said: {text}"
