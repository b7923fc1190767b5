"""What the programs talk to: a given cluster, a real Kafka of our own, or for the smoke run a mock broker."""

import contextlib
import os
import subprocess
import sys

from harness import paths
from harness.programs import Failed

FIXTURE = os.path.join(paths.ROOT, "fixture", "kafka.py")


class Cluster:
    real = True

    def __init__(self, brokers, name):
        self.brokers, self.name = brokers, name


class Mock(Cluster):
    """Our mock program: it makes the topics that are named on its input, and ends with that."""

    real = False

    def __init__(self, process):
        super().__init__(process.stdout.readline().strip(), "librdkafka's mock broker")
        self.process = process

    def create(self, topic):
        print(topic, file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != topic:
            raise Failed("the mock broker did not make the topic " + topic)


def fixture(*words):
    """Runs a verb of the fixture; its answers as a dictionary."""
    answer = subprocess.run([sys.executable, FIXTURE] + list(words), stdout=subprocess.PIPE, universal_newlines=True)
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    if answer.returncode != 0 or "OK" not in told:
        raise Failed("fixture %s: %s" % (words[0], told.get("ERROR", answer.stdout)))
    return told


@contextlib.contextmanager
def kafka():
    told = fixture("start", "--heap", "1g", "--roomy", "--owner", str(os.getpid()))
    try:
        yield Cluster(told["BROKERS"], "Apache Kafka %s, one node on the same machine" % told["VERSION"])
    finally:
        fixture("stop", "--run", told["RUN"])


@contextlib.contextmanager
def mock():
    with subprocess.Popen([os.path.join(paths.MADE, "mock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, universal_newlines=True) as process:
        cluster = Mock(process)
        if not cluster.brokers:
            raise Failed("the mock broker did not start")
        try:
            yield cluster
        finally:
            process.stdin.close()   # it ends at the end of its input


def start(smoke, brokers):
    if brokers:
        return contextlib.nullcontext(Cluster(brokers, "a given cluster"))
    return mock() if smoke else kafka()
