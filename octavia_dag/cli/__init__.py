"""The command `octavia`: one file per subcommand, one place that turns errors into sentences and exit codes.

Exit codes: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted. An error of the tree is printed as its one
sentence; anything else is a defect and keeps its traceback.
"""

import signal
import sys
from types import FrameType

import click
from sqlalchemy.exc import OperationalError

from octavia_dag.cli.doctor import doctor
from octavia_dag.cli.dub import dub, spread_languages
from octavia_dag.cli.models import models
from octavia_dag.cli.sample import sample
from octavia_dag.cli.ui import ui
from octavia_dag.cli.videos import videos
from octavia_dag.errors import OctaviaError

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
    except OctaviaError as error:
        click.echo(f"octavia: {error}", err=True)
        sys.exit(error.exit_code)
    except OperationalError as error:
        # Dagster's database lies beside the artifacts, so a full disk reaches it too, as one of several SQLite errors.
        click.echo(
            f"octavia: Dagster's database cannot be used ({error.orig}); where the disk is full, free some space, and "
            "run it again.",
            err=True,
        )
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("octavia: interrupted; the same command goes on from the last finished step.", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
