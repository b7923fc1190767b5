"""What is compared with what. Both sides get the same properties, the module's own defaults among them."""

import statistics
from collections import namedtuple

from harness.limits import Added, Alone, AtLeast, AtMost, Below, Ratio
from harness.programs import Failed, run

# One figure of a comparison: the name of its row, the result it reads, its unit, how it is judged.
Figure = namedtuple("Figure", "name key unit limit")
# ours and against take a Case and return a dictionary of results.
# sized: once for every message size. in_lua: once for every interpreter, otherwise both sides are C.
# needs: what lua/offers.lua must confirm, else the comparison is left out.
Comparison = namedtuple("Comparison", "name ours against figures sized in_lua needs", defaults=(True, None))
# A line of the table; ours and against hold one value a round, against nothing if there is none.
Row = namedtuple("Row", "figure size language is_jit ours against")

# Named by librdkafka when a client of ours is asked for its properties, but no matter of speed, or no text.
NOT_SHARED = {"bootstrap.servers", "metadata.broker.list", "group.id", "debug", "client.software.name",
              "client.software.version", "enable.auto.offset.store", "enable.auto.commit", "log.queue", "log_level",
              "enabled_events"}
# What librdkafka takes for itself when nobody says anything.
STOCK = {"fetch.queue.backoff.ms": "1000", "queued.min.messages": "100000", "queued.max.messages.kbytes": "65536"}


class Case:
    """One comparison under one interpreter and message size."""

    def __init__(self, bench, interpreter, size):
        self.bench, self.interpreter, self.size = bench, interpreter, size
        self.programs = bench.programs

    def count(self, share=1.0):
        if self.bench.smoke:
            return max(100, min(2000, 4000000 // self.size))   # the mock keeps 5 MB a partition
        return int(share * min(1000000, 400000000 // self.size))

    def either(self, is_ours, program, options, conf=None):
        if is_ours:
            return self.programs.lua(self.interpreter, program, options, conf)
        return self.programs.twin(program, options, conf)

    def settings(self, kind):
        return self.bench.settings(self.interpreter, kind)


class Bench:
    """What is made once and used by many cases."""

    def __init__(self, programs, smoke):
        self.programs, self.smoke = programs, smoke
        self.known, self.filled, self.offered = {}, {}, {None: True}

    def settings(self, interpreter, kind):
        """The properties our client of this kind sets by itself."""
        if (interpreter.version, kind) not in self.known:
            said, _, _ = self.programs.lua_text(interpreter, "settings", {"kind": kind})
            pairs = (line.split("=", 1) for line in said.splitlines() if "=" in line)
            self.known[interpreter.version, kind] = {name: value for name, value in pairs
                                                     if name not in NOT_SHARED and not value.startswith("0x")}
        return self.known[interpreter.version, kind]

    def offers(self, interpreter, what):
        """Whether module and interpreter have what a comparison needs."""
        key = what and (interpreter.name, what)
        if key not in self.offered:
            self.offered[key] = self.programs.lua_text(interpreter, "offers", {"what": what})[0].strip() == "yes"
        return self.offered[key]

    def filled_topic(self, size, count):
        """A topic with `count` messages to read, again and again."""
        if size not in self.filled:
            topic = self.programs.new_topic("filled")
            self.programs.twin("produce", {"topic": topic, "count": count, "size": size})
            self.programs.check_count(topic, count + 1)
            self.filled[size] = topic
        return self.filled[size]

    def drop_filled(self):
        for topic in self.filled.values():
            self.programs.drop_topic(topic)
        self.filled.clear()


def produce(call, share=1.0, key=0, settle=0, linger=5, queue=None, twin=None):
    """The two sides of a producing comparison, each run on a fresh topic. `twin`: the call in C, if it is another."""
    def side(is_ours):
        def measure(case):
            count = case.count(share)
            pause, batching = (min(settle, 1), min(linger, 300)) if case.bench.smoke else (settle, linger)
            conf = dict(case.settings("producer"), **{"linger.ms": batching, "queue.buffering.max.kbytes": 2097151,
                                                      "queue.buffering.max.messages": queue or count + 1000})
            with case.programs.fresh_topic("produce") as topic:
                options = {"call": call if is_ours else twin or call, "topic": topic, "count": count,
                           "size": case.size, "key": key, "settle": pause}
                result = case.either(is_ours, "produce", options, conf)
                case.programs.check_count(topic, count + 1)
            return dict(result, cpu=result["cpu"] / count * 1e6)
        return measure
    return side(True), side(False)


def consume(is_ours, call, share=1.0, stock=False):
    """One side of a consuming comparison; with `stock` it has librdkafka's defaults instead of the module's."""
    def measure(case):
        topic = case.bench.filled_topic(case.size, case.count(3))
        count = case.count(3 * share)
        conf = dict(case.settings("consumer"), **STOCK if stock else {})
        conf.update({"group.id": case.programs.unique("group"), "auto.offset.reset": "earliest"})
        result = case.either(is_ours, "consume", {"call": call, "topic": topic, "count": count, "size": case.size},
                             conf)
        return dict(result, cpu=result["cpu"] / count * 1e6)
    return measure


def roundtrip(is_ours):
    def measure(case):
        conf = dict(case.settings("consumer"))
        conf.update({"group.id": case.programs.unique("group"), "auto.offset.reset": "earliest"})
        if not case.programs.cluster.real:
            conf["fetch.wait.max.ms"] = 5   # the mock does not answer a waiting fetch when a message arrives
        count = 50 if case.bench.smoke else 3000
        with case.programs.fresh_topic("roundtrip") as topic:
            return case.either(is_ours, "roundtrip", {"topic": topic, "count": count, "size": case.size,
                                                      "brokers": case.programs.cluster.brokers}, conf)
    return measure


def memory(is_ours):
    def measure(case):
        count = 2000 if case.bench.smoke else 1000000
        conf = dict(case.settings("producer"), **{"linger.ms": 5, "queue.buffering.max.messages": 10000})
        with case.programs.fresh_topic("memory") as topic:
            return case.either(is_ours, "memory", {"topic": topic, "count": count, "size": case.size}, conf)
    return measure


def calls(is_ours):
    def measure(case):
        options = {"count": 20000 if case.bench.smoke else 3000000, "size": 2000}
        return case.either(is_ours, "calls", options, dict(case.settings("producer"), **{"message.max.bytes": 1000}))
    return measure


def start(text):
    """The time an interpreter takes from start to end, in milliseconds; the median of several."""
    def measure(case):
        env, command = case.interpreter.environment(), [case.interpreter.path, "-e", text]
        return {"start": statistics.median(run(command, env)[2] * 1000 for _ in range(3 if case.bench.smoke else 20))}
    return measure


def rates(name, *keys_and_limits, cpu=AtMost(1.15, 1.3)):
    cpu = Figure(name + ", processor time a message", "cpu", "µs", cpu)
    return [Figure(name + words, key, "k/s", limit) for key, words, limit in keys_and_limits] + [cpu]


def consuming(name, limit, call, twin="poll"):
    return Comparison(name, consume(True, call), consume(False, twin), rates(name, ("rate", "", limit)), True)


def loop(name, needs):
    """A loop's coroutine against the same program that blocks."""
    return Comparison("loop, " + name, consume(True, name), consume(True, "receive_batch"),
                      [Figure("receive_batch in a coroutine of %s, against blocking" % name, "rate", "k/s", AtLeast(0.8))],
                      True, needs=needs)


def producing(name, limit, call, needs=None, **how):
    figures = rates(name, ("enqueue", ", to the last accepted", limit), ("total", ", to the last report", limit))
    return Comparison(name, *produce(call, **how), figures, True, needs=needs)


BATCHES = "kafka.Producer:produce_batch"

COMPARISONS = [
    producing("send", AtLeast(0.95, 0.85), "send"),
    producing("produce", AtLeast(0.95, 0.85), "produce"),
    producing("produce with key", AtLeast(0.95, 0.85), "produce", key=1),
    producing("produce with one table", AtLeast(0.75, 0.65), "table", "one-table", twin="send"),
    producing("produce with two headers", Ratio(), "headers"),
    producing("produce_batch of 500, against one by one", AtLeast(1.1, 1.0), "batch", BATCHES, twin="send"),
    producing("produce_batch of 500, against rd_kafka_produce_batch", AtLeast(0.95, 0.9), "batch", BATCHES),
    # Not more in flight than librdkafka allows by default: the collector walks every closure that waits.
    Comparison("produce with on_delivery each", *produce("on_delivery", queue=100000),
               rates("produce with on_delivery each", ("total", ", to the last report", AtLeast(0.6, 0.5)),
                     cpu=Ratio()), True),
    Comparison("poll", *produce("send", share=0.02, settle=2, linger=1000),
               [Figure("poll, draining reports", "drain", "k/s", Ratio())], True),
    consuming("receive", AtLeast(1.0, 0.85), "receive"),
    consuming("consumer poll", AtLeast(0.7, 0.6), "poll"),
    consuming("messages", Ratio(), "messages"),
    consuming("receive_batch of 1,000", AtLeast(0.85, 0.75), "receive_batch", twin="batch"),
    consuming("poll_batch of 1,000", AtLeast(0.55, 0.45), "poll_batch", twin="batch"),
    loop("cqueues", "cqueues"),
    loop("luv", "luv"),
    Comparison("receive, gain", consume(True, "receive", 0.3), consume(True, "receive", 0.3, stock=True),
               [Figure("receive against itself with librdkafka's defaults", "rate", "k/s", Ratio())], True),
    Comparison("C, gain", consume(False, "poll", 0.3), consume(False, "poll", 0.3, stock=True),
               [Figure("the same in C", "rate", "k/s", Ratio())], True, False),
    Comparison("round trip", roundtrip(True), roundtrip(False),
               [Figure("round trip, p50", "p50", "µs", AtMost(1.1)),
                Figure("round trip, p99", "p99", "µs", AtMost(1.2))], False),
    Comparison("calls", calls(True), calls(False),
               [Figure("call: an empty C function, 0 arguments", "empty0", "ns", Alone()),
                Figure("call: closed()", "closed", "ns", Below("ns", 60, 80)),
                Figure("call: #producer", "count", "ns", Below("ns", 60, 80)),
                Figure("call: poll() with nothing there", "poll", "ns", Added("ns", 60, 80)),
                Figure("call: an empty C function, 4 arguments", "empty4", "ns", Alone()),
                Figure("call: send, refused as too large", "send", "ns", Added("ns", 120, 160))], False),
    Comparison("require", start('require "kafka"'), start(""),
               [Figure('require "kafka"', "start", "ms", Added("ms", 10))], False),
    Comparison("memory", memory(True), memory(False),
               [Figure("memory: Lua heap after 1,000,000 messages", "heap", "KiB", Below("KiB", 64)),
                Figure("memory: process after 1,000,000 messages", "grown", "KiB", Added("KiB", 1024)),
                Figure("memory: one idle producer", "idle", "KiB", Added("KiB", 1024))], False),
]


def warm_up(bench):
    """A broker that has just started is slow for its first million messages."""
    topic, count = bench.filled_topic(100, 1000000), 1000000
    for _ in range(2):
        bench.programs.twin("consume", {"topic": topic, "count": count, "size": 100},
                            {"group.id": bench.programs.unique("warm-up"), "auto.offset.reset": "earliest"})
    bench.drop_filled()


def rows_of(comparison, case, rounds):
    pairs = [(comparison.against(case), comparison.ours(case)) for _ in range(rounds)]
    for figure in comparison.figures:
        ours = [ours[figure.key] for _, ours in pairs]
        against = [against[figure.key] for against, _ in pairs] if figure.limit.has_other else []
        yield Row(figure, case.size if comparison.sized else None, case.interpreter.name if comparison.in_lua else "C",
                  case.interpreter.is_jit, ours, against)


def measure(programs, interpreters, sizes, rounds, smoke, only):
    """Yields the rows as they are ready."""
    chosen = [one for one in COMPARISONS if only in one.name]
    if not chosen:
        names = ", ".join(one.name for one in COMPARISONS)
        raise Failed("no comparison has %r in its name; there are: %s" % (only, names))
    bench = Bench(programs, smoke)
    try:
        if not smoke:
            warm_up(bench)
        for size in sizes:
            for comparison in chosen:
                if comparison.sized or size == sizes[0]:
                    for interpreter in interpreters if comparison.in_lua else interpreters[:1]:
                        if bench.offers(interpreter, comparison.needs):
                            yield from rows_of(comparison, Case(bench, interpreter, size), rounds)
            bench.drop_filled()
    finally:
        bench.drop_filled()
