"""The command `octavia`: one file per subcommand, gathered here.

What can go wrong is printed as one sentence with its exit code; anything else is a defect and keeps its traceback.
"""

from collections.abc import Sequence

import click

from octavia_dag.cli.catalogue import catalogue
from octavia_dag.cli.clean import clean
from octavia_dag.cli.doctor import doctor
from octavia_dag.cli.dub import dub, spread_languages
from octavia_dag.cli.dub_one import dub_one
from octavia_dag.cli.failing import HANDLED, one_line, told
from octavia_dag.cli.fleet import fleet
from octavia_dag.cli.glossary import glossary
from octavia_dag.cli.memory import memory
from octavia_dag.cli.models import models
from octavia_dag.cli.people import people
from octavia_dag.cli.plan import plan_command, status, why
from octavia_dag.cli.refresh import refresh
from octavia_dag.cli.report import report
from octavia_dag.cli.review import review
from octavia_dag.cli.sample import sample
from octavia_dag.cli.settings import settings
from octavia_dag.cli.ui import ui
from octavia_dag.cli.videos import videos
from octavia_dag.cli.voice import voice
from octavia_dag.cli.worker import worker

BAD_ARGUMENTS = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def octavia() -> None:
    """Turn a video into the same video in another language."""


COMMANDS = (
    dub, plan_command, status, why, refresh, catalogue, settings, review, report, glossary, memory, voice, people,
    clean, doctor, models, sample, ui, fleet, worker, videos, dub_one,
)  # fmt: skip
for command in COMMANDS:
    octavia.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        code = octavia.main(args=spread_languages(arguments), standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"octavia: {_sentence(error)}", err=True)
        return BAD_ARGUMENTS
    except HANDLED as error:
        sentence, code = told(error)
        click.echo(f"octavia: {sentence}", err=True)
        return code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return code if isinstance(code, int) else 0


def _sentence(error: click.ClickException) -> str:
    """What is wrong with the arguments, and where it is told what they are."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "octavia"
    return f"{one_line(error.format_message()).rstrip('.')}; '{command} --help' tells what it takes."
