"""Shows the rows while they come, and at the end the whole table, also as Markdown in build/bench.md."""

import os
import statistics
import sys

from harness import native, paths
from harness.programs import cpu_count

COLUMNS = ("workload", "bytes", "language", "ours", "other", "ours to other", "target", "met")


def number(value, unit):
    if unit == "k/s":
        return format(round(value / 1000), ",") + " k/s"
    return "%s %s" % (format(value, ".2f" if abs(value) < 10 else ",.0f"), unit)


def cells(row, smoke):
    figure, limit, is_jit = row.figure, row.figure.limit, row.is_jit
    values = [limit.value(ours, other) for ours, other in zip(row.ours, row.against or row.ours)]
    middle = statistics.median(values)
    return (figure.name, str(row.size or ""), row.language, number(statistics.median(row.ours), figure.unit),
            number(statistics.median(row.against), figure.unit) if row.against else "",
            "%s [%s – %s]" % tuple(map(limit.shown, (middle, min(values), max(values)))) if row.against else "",
            limit.target(is_jit), ("yes" if limit.met(middle, is_jit) else "no") if limit.bounded and not smoke else "")


def progress(row, smoke):
    print("bench: " + "  ".join(cell for cell in cells(row, smoke) if cell), file=sys.stderr, flush=True)


def head(interpreters, cluster, rounds, smoke):
    lines = ["%s; %d CPUs; librdkafka %s on both sides; %s." % (
        ", ".join(one.described() for one in interpreters), cpu_count(), native.locked_version(), cluster.name)]
    if smoke:
        lines.append("A smoke run: the figures mean nothing.")
    else:
        lines.append("Medians of %d rounds, both sides in turn; in brackets the lowest and the highest round." % rounds)
    return " ".join(lines)


def aligned(table):
    widths = [max(len(line[i]) for line in table) for i in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)


def markdown(table):
    lines = ["| " + " | ".join(line) + " |" for line in table]
    return "\n".join([lines[0], "|" + "---|" * len(COLUMNS)] + lines[1:])


def write(text, rows, smoke):
    table = [COLUMNS] + [cells(row, smoke) for row in rows]
    verdicts = [line[-1] for line in table[1:] if line[-1]]
    last = "%d of %d targets met" % (verdicts.count("yes"), len(verdicts))
    if smoke:
        last = "every program ran, %d figures" % len(rows)
    path = os.path.join(paths.BUILD, "bench-smoke.md" if smoke else "bench.md")
    with open(path, "w") as out:
        out.write("%s\n\n%s\n" % (text, markdown(table)))
    print("%s\n\n%s\n\n%s; the table is in %s" % (text, aligned(table), last, os.path.relpath(path, paths.ROOT)))
