"""A disk that fills up during the mix is a failure with one sentence, and nothing half-written is left.

The home lies on a small file system of its own, in a mount namespace that needs no root; it is filled to the brim when
the speech is placed, which is the last step before the mix.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from octavia_command import MakeVideo, Octavia

SIZE_MIB = 48
LEFT_KIB = 300
SCRIPT = """
set -e
mount -t tmpfs -o size={size}m tmpfs {home}
(
    while ! ls {home}/store/videos/*/current/synced_speech.*.json >/dev/null 2>&1; do sleep 0.02; done
    free=$(df -k --output=avail {home} | tail -1)
    head -c $(( (free - {left}) * 1024 )) /dev/zero > {home}/ballast
) &
set +e
{command}
code=$?
wait
echo "left in scratch: $(ls {home}/scratch)"
echo "left in mix: $(find {home}/store -path '*ducked_mix*' -name '*.flac')"
rm {home}/ballast
{command}
echo "second: $?"
exit $code
"""


def test_a_disk_that_fills_up_during_the_mix_fails_with_a_sentence(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    octavia.home.mkdir(parents=True)
    video = make_video("talk.mp4", picture_s=20.0, sound_s=20.0)
    arguments = ["dub", video, "--to", "pt-BR", "--out", tmp_path / "out", "--settings", fake_settings]
    command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", *map(str, arguments)]
    script = SCRIPT.format(
        size=SIZE_MIB,
        left=LEFT_KIB,
        home=shlex.quote(str(octavia.home)),
        command=shlex.join(command),
    )
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(inside, env=octavia.environment(), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("octavia: ")]
    assert len(sentences) == 1, done.stderr
    assert "disk is full" in sentences[0]
    assert "Traceback" not in done.stderr
    assert "left in scratch: \n" in done.stdout
    assert "left in mix: \n" in done.stdout
    assert "second: 0" in done.stdout, "with room again, the same command goes on"


def test_the_namespace_that_the_test_needs_is_there() -> None:
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=False)
    if done.returncode:
        pytest.fail("this machine lets nobody make a mount namespace, so a full disk cannot be tried")
