"""Posts a notice to a webhook that takes `{"text": ...}`, as Slack does. The address is a secret: who has it can post.

So it stands in no log, no error and no metadata, not even when it is wrong; neither does what the other side answers.
A webhook that is away, or that answers without end, holds nothing up: two tries of two seconds each, whatever it does,
of whose answer nothing but the status is read, and then a sentence for the log. What a video is called is text: Slack
reads `<!channel>` as a call to everybody, so its three signs are written as it asks for them.
"""

import asyncio
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
                status = asyncio.run(self._status(_escaped(text[:_LONGEST])))
            # A ValueError: it is no text for an address.
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
                why = type(error).__name__
            else:
                if 200 <= status < 300:
                    return None
                why = f"it answered {status}"
                if status < 500 and status != _TOO_MANY:
                    break  # it will not answer otherwise the next time
        return f"A notice could not be posted to the webhook ({why}); check OCTAVIA_WEBHOOK. It said: {text}"

    async def _status(self, text: str) -> int:
        """What the webhook answers to one try; a TimeoutError where that takes too long as a whole."""
        async with (
            asyncio.timeout(_WAIT_S),
            httpx.AsyncClient(timeout=_WAIT_S) as client,
            client.stream("POST", self.webhook, json={"text": text}) as answer,
        ):
            return answer.status_code


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
