"""`octavia dub-one` (hidden): one language of a video that is registered and analysed, for the command that waits.

It answers with one line of JSON, whatever happens, and ends when its standard input does: the command that started it
holds the other end, so that nothing works on after that one was killed.
"""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.cli import running
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.home import home_option
from octavia_dag.partitions import dub_key
from octavia_dag.sensors.automation import DESIRED_TAG

_INTERRUPTED = 130


@click.command("dub-one", hidden=True)
@click.argument("video")
@click.argument("language")
@click.argument("desired")
@home_option
def dub_one(video: str, language: str, desired: str, home: Path | None) -> int:
    """Run dub_video of VIDEO into LANGUAGE towards the state DESIRED."""
    answer: dict[str, Any]
    try:
        threading.Thread(target=_end_with_the_other, daemon=True).start()
        answer, code = asdict(_outcome(video, language, desired, home)), 0
    except HANDLED as error:
        sentence, code = told(error)
        answer = {"error": sentence, "exit_code": code}
    except KeyboardInterrupt:
        code = _INTERRUPTED
        answer = {"error": f"Dubbing {video} into {language} was interrupted.", "exit_code": code}
    click.echo(json.dumps(answer))
    return code


def _outcome(video: str, language: str, desired: str, home: Path | None) -> running.Outcome:
    from octavia_dag.definitions import build

    environment = surroundings.read(home)
    surroundings.enter(environment)
    with dg.DagsterInstance.get() as instance:
        key, tags = dub_key(video, language), {DESIRED_TAG: desired}
        return running.run_job(build(environment), instance, "dub_video", key, tags)


def _end_with_the_other() -> None:
    """Interrupts this process at the end of its standard input."""
    # Not sys.stdin.read: the interpreter could not end while a thread holds that file's lock.
    while os.read(sys.stdin.fileno(), 1):
        pass
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
