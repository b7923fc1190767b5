"""Runs one child with a deadline, in a session of its own, and leaves nothing of it behind."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
_running = set()  # leaders of the sessions we started


@dataclass
class Ended:
    status: int  # exit status, or minus the signal's number
    output: str
    seconds: float
    timed_out: bool = False

    def how(self):
        """What is wrong with this end, or None."""
        if self.timed_out:
            return f"still running after {self.seconds:.0f} s, ended"
        if self.status < 0:
            return f"died by {signal.Signals(-self.status).name}"
        return f"exited with status {self.status}" if self.status else None

    def tail(self, lines=30):
        return "\n".join(self.output.rstrip().splitlines()[-lines:])


def end_session(leader):
    """Kills what is left of a session that we started (its leader may be gone)."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except (OSError, ValueError, IndexError):
            continue  # ended meanwhile
    try:
        os.killpg(leader, signal.SIGKILL)  # where there is no /proc
    except (ProcessLookupError, PermissionError):
        pass


def end_all_when_told():
    """After Ctrl-C or SIGTERM nothing that we started stays behind."""
    def leave(number, _):
        for leader in list(_running):
            end_session(leader)
        sys.stdout.flush()
        os._exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def run(command, seconds, env=None):
    """Output goes through a file: a grandchild that keeps a pipe open could make us wait for it."""
    with tempfile.TemporaryFile() as sink:
        started = time.monotonic()
        child = subprocess.Popen([str(word) for word in command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                 stdout=sink, stderr=subprocess.STDOUT, start_new_session=True)
        _running.add(child.pid)
        timed_out = False
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                pass
        finally:
            end_session(child.pid)
            child.wait()
            _running.discard(child.pid)
        elapsed = time.monotonic() - started
        sink.seek(0)
        return Ended(child.returncode, sink.read().decode("utf-8", "replace"), elapsed, timed_out)
