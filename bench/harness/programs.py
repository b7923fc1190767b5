"""Runs one program, C or Lua, and reads what it measured."""

import contextlib
import itertools
import os
import signal
import subprocess
import tempfile
import threading
import time

from harness import paths

DEADLINE = 300      # seconds; no run comes near it


class Failed(Exception):
    """The bench cannot go on; the text says why."""


def run(command, env=None):
    """Runs to the end. Returns standard output, processor seconds of the whole process, wall seconds."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=paths.ROOT)
        timer = threading.Timer(DEADLINE, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        wall = time.perf_counter() - began
        process.returncode = status     # wait4 has reaped it, Popen need not try
        out.seek(0)
        err.seek(0)
        said = out.read()
        if status != 0:
            how = "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "status %d" % os.WEXITSTATUS(status)
            raise Failed("%s\nended with %s: %s%s" % (" ".join(command), how, said, err.read()))
        return said, usage.ru_utime + usage.ru_stime, wall


def arguments(options, conf):
    words = ["%s=%s" % pair for pair in options.items()]
    for pair in conf.items():
        words += ["-X", "%s=%s" % pair]
    return words


def figures(said):
    return {name: float(value) for name, value in (line.split() for line in said.splitlines())}


class Programs:
    """The programs, and the topics they work on."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.serial = itertools.count(1)

    def unique(self, what):
        return "bench-%s-%d-%d" % (what, os.getpid(), next(self.serial))

    def twin(self, program, options, conf=None):
        conf = dict({"bootstrap.servers": self.cluster.brokers}, **conf or {})
        said, cpu, _ = run([os.path.join(paths.MADE, program)] + arguments(options, conf))
        return dict(figures(said), cpu=cpu)

    def lua(self, interpreter, program, options, conf=None):
        said, cpu, _ = self.lua_text(interpreter, program, options, conf)
        return dict(figures(said), cpu=cpu)

    def lua_text(self, interpreter, program, options, conf=None):
        conf = dict({"bootstrap.servers": self.cluster.brokers}, **conf or {})
        script = os.path.join(paths.BENCH, "lua", program + ".lua")
        return run([interpreter.path, script] + arguments(options, conf), interpreter.environment())

    def topic(self, verb, name):
        return self.twin("topic", {"do": verb, "topic": name, "partitions": 4})

    def new_topic(self, what):
        name = self.unique(what)
        if self.cluster.real:
            self.topic("create", name)
        else:
            self.cluster.create(name)
        return name

    def drop_topic(self, name):
        if self.cluster.real:
            self.topic("delete", name)

    @contextlib.contextmanager
    def fresh_topic(self, what):
        name = self.new_topic(what)
        try:
            yield name
        finally:
            self.drop_topic(name)

    def check_count(self, name, wanted):
        """Every message that was reported as delivered must be in the topic."""
        found = self.topic("count", name)["count"]
        if found < wanted:
            raise Failed("%d messages were reported, %d are in the topic" % (wanted, found))


def cpu_count():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
