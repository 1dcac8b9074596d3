"""The command `octavia`: one file per subcommand, one place that turns errors into sentences and exit codes.

Exit codes: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted. What can go wrong is printed as one sentence;
anything else is a defect and keeps its traceback.
"""

import signal
import sys
from types import FrameType

import click

from octavia_dag.cli.doctor import doctor
from octavia_dag.cli.dub import dub, spread_languages
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.models import models
from octavia_dag.cli.sample import sample
from octavia_dag.cli.ui import ui
from octavia_dag.cli.videos import videos

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def octavia() -> None:
    """Turn a video into the same video in another language."""


for command in (dub, doctor, models, sample, ui, videos):
    octavia.add_command(command)


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = octavia.main(args=spread_languages(sys.argv[1:]), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except HANDLED as error:
        sentence, code = told(error)
        click.echo(f"octavia: {sentence}", err=True)
        sys.exit(code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("octavia: interrupted; the same command goes on from the last finished step.", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
