"""One spec file under one interpreter: a busted process with a deadline, whose events become a Result."""
import os
import pathlib
import tempfile
from dataclasses import dataclass, field

import process

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


@dataclass
class Result:
    label: str  # who ran: luajit, cargo…
    what: str  # spec file, example…
    passed: int = 0
    failures: list = field(default_factory=list)  # (test name, message)
    skipped: list = field(default_factory=list)  # test names
    seconds: float = 0.0
    output: str = ""

    def fail(self, name, message):
        self.failures.append((name, message))


def _unescape(text):
    out, characters = [], iter(text)
    for character in characters:
        out.append(_ESCAPES.get(next(characters, ""), "?") if character == "\\" else character)
    return "".join(out)


def _events(path):
    for line in path.read_bytes().decode("utf-8", "replace").split("\n"):
        if line:
            yield [_unescape(part) for part in line.split("\t")]


def may_skip(spec):
    """On somebody's own cluster there are things we must not do."""
    return spec.startswith("spec/integration/") and os.environ.get("KAFKA_BROKERS")


def run(interpreter, spec, seconds):
    result = Result(interpreter.name, spec)
    handle, name = tempfile.mkstemp(prefix="kafka-spec-")
    os.close(handle)
    report = pathlib.Path(name)
    try:
        ended = process.run(
            [interpreter.path, "scripts/busted.lua", "-o", "scripts/busted_report.lua", "-Xoutput", report, spec],
            seconds, interpreter.environment())
        running, done = None, False
        for event, *fields in _events(report):
            if event == "start":
                running = fields[0]
            elif event == "done":
                running, done = None, True
            else:
                running = None
                if event == "pass":
                    result.passed += 1
                elif event == "skip" and may_skip(spec):
                    result.skipped.append(fields[0])
                elif event == "skip":
                    result.fail(fields[0], "pending: a test either runs or is not there")
                else:
                    result.fail(*fields)
    finally:
        report.unlink()
    result.seconds, result.output = ended.seconds, ended.tail()
    # busted's own exit status is its number of failures, which we have counted already.
    wrong = ended.how() if ended.timed_out or ended.status < 0 or not (done and result.failures) else None
    if wrong or not done:
        where = f"in: {running}" if running else ("after its last test" if done else "outside of a test")
        result.fail(running or "(the process)", f"{wrong or 'ended before all tests had run'}, {where}\n{ended.tail()}")
    return result
