"""At risk: frames that come back in another place, and a file that stays behind."""

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from octavia_dag.errors import StorageError
from octavia_dag.resources.spool import Backlog, Spool


def test_frames_come_back_from_anywhere_while_more_are_written() -> None:
    frames = np.random.default_rng(1).integers(-32768, 32768, (1000, 3)).astype(np.int16)
    with Spool(3, np.int16) as spool:
        for start in range(0, 1000, 77):
            spool.append(frames[start : start + 77])
            np.testing.assert_array_equal(spool.read(start // 2, start), frames[start // 2 : start])
        assert spool.frames == 1000
        np.testing.assert_array_equal(spool.read(990, 2000), frames[990:])
        assert spool.read(1000, 1010).shape == (0, 3)


def test_it_has_no_name_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spool(1, np.float32) as spool:
        spool.append(np.ones((10_000, 1), np.float32))
        assert os.listdir(tmp_path) == []


def test_a_full_disk_and_a_folder_that_cannot_be_written_are_storage_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match=r"Keeping sound in .*gone.*TMPDIR"):
        Spool(1, np.float32)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spool(1, np.float32) as spool:

        class Full:
            def seek(self, *_: int) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            def close(self) -> None: ...

        real = spool._file  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(spool, "_file", Full())
        with pytest.raises(StorageError, match="the disk is full"):
            spool.append(np.zeros((1, 1), np.float32))
        real.close()


@pytest.mark.parametrize("held", [0, 30, 10_000])
def test_a_backlog_gives_frames_in_their_order_wherever_they_wait(held: int) -> None:
    rng = np.random.default_rng(held)
    frames = np.arange(4000, dtype=np.int16).reshape(-1, 2)
    pushed = popped = 0
    with Backlog(held) as backlog:
        while popped < len(frames):
            more = int(rng.integers(0, 60))
            backlog.push(frames[pushed : pushed + more])
            pushed = min(len(frames), pushed + more)
            fewer = int(rng.integers(0, len(backlog) + 1))
            if fewer:
                np.testing.assert_array_equal(backlog.pop(fewer), frames[popped : popped + fewer])
            popped += fewer
            assert len(backlog) == pushed - popped
