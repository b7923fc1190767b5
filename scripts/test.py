#!/usr/bin/env python3
"""Runs a suite and ends with one line `N passed, N failed`.

    scripts/test.py unit       cargo's tests, then spec/unit spec/classic spec/regress on every interpreter present
    scripts/test.py kafka      spec/integration on real Kafka (KAFKA_BROKERS, or a fixture of our own), LuaJIT and 5.4
    scripts/test.py hammer     spec/hammer and a packed source rock
    scripts/test.py examples   each of examples/*.lua, without arguments

ONLY="spec/unit/x_spec.lua …" (files, folders, or "cargo") and LUA=lua5.4 narrow a run; JOBS=n runs n spec files at a
time (1: some specs measure time); SPEC_TIMEOUT=seconds is the limit of one file.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

import interpreters
import process
import specs

ROOT = process.ROOT
LIVE = sys.stdout.isatty()


@dataclass
class Suite:
    folders: tuple
    flavours: tuple = tuple(interpreters.FLAVOURS)
    seconds: int = 300  # limit of one file
    before: tuple = ()  # steps by name, see STEPS
    talks: bool = False  # what its files print is worth reading even when they pass: totals


SUITES = {
    "unit": Suite(("spec/unit", "spec/classic", "spec/regress"), before=("cargo",)),
    "kafka": Suite(("spec/integration",), ("jit", "5.4"), 600, ("fixture",)),
    "hammer": Suite(("spec/hammer",), seconds=3600, before=("fixture", "source rock"), talks=True),
    "examples": Suite(("examples",), ("jit",), 120),
}


def say(text=""):
    print(text, flush=True)


# ---- the steps that are not spec files ----

def cargo():
    """The unit tests of model and client."""
    result = specs.Result("cargo", "test")
    command = ["cargo", "test", "--release", "--locked", "--lib", "--no-default-features",
               "--features", "lua51," + os.environ.get("FEATURES", "vendored")]
    say("Rust unit tests (compiling)")
    if subprocess.run([*command, "--no-run", "--quiet"], cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        result.fail("cargo test", "does not compile, see above")
        return result
    ended = process.run(command, 600)
    result.seconds, result.output = ended.seconds, ended.tail()
    for name in re.findall(r"^test (\S+) \.\.\. FAILED$", ended.output, re.M):
        told = re.search(rf"^---- {re.escape(name)} stdout ----\n(.*?)(?=^----|^failures:)", ended.output, re.M | re.S)
        result.fail(name, told.group(1).strip() if told else "")
    totals = re.findall(r"^test result: \w+\. (\d+) passed", ended.output, re.M)
    result.passed = sum(map(int, totals))
    if ended.how() and not result.failures or not totals:
        result.fail("cargo test", f"{ended.how() or 'reported no result'}\n{ended.tail()}")
    return result


def fixture():
    """Downloads Apache Kafka once; the specs start and stop it themselves."""
    result = specs.Result("fixture", "setup")
    if not os.environ.get("KAFKA_BROKERS"):
        status = subprocess.run([sys.executable, "fixture/kafka.py", "setup"], cwd=ROOT, stdin=subprocess.DEVNULL)
        if status.returncode:
            result.fail("fixture/kafka.py setup", f"exited with status {status.returncode}, see above")
    return result


def source_rock():
    result = specs.Result("luarocks", "source rock")
    say("packing a source rock, building and installing it")
    ended = process.run(["sh", "scripts/source-rock"], 1800)
    result.seconds, result.output = ended.seconds, ended.tail()
    if ended.how():
        result.fail("scripts/source-rock", f"{ended.how()}\n{ended.tail()}")
    else:
        result.passed = 1
    return result


STEPS = {"cargo": cargo, "fixture": fixture, "source rock": source_rock}


def example(interpreter, path, seconds):
    result = specs.Result(interpreter.name, path)
    ended = process.run([interpreter.path, path], seconds, interpreter.environment())
    result.seconds, result.output = ended.seconds, ended.tail()
    if ended.how():
        result.fail(path, f"{ended.how()}\n{ended.tail()}")
    else:
        result.passed = 1
    return result


# ---- what to run ----

def files(suite, only):
    pattern = "*.lua" if suite.folders == ("examples",) else "*_spec.lua"
    chosen = []
    for root in only or suite.folders:
        path = ROOT / root
        if path.is_dir():
            chosen += sorted(path.glob(pattern) if pattern == "*.lua" else path.rglob(pattern))
        elif path.is_file():
            chosen.append(path)
        elif only:
            sys.exit(f"test: no such spec: {root}")
    return [str(path.resolve().relative_to(ROOT)) for path in chosen]


def present(suite, lua):
    """The interpreters to use; says which are missing."""
    if lua:
        return interpreters.find([lua])
    found = [each for each in interpreters.find() if each.flavour in suite.flavours]
    missing = [interpreters.FLAVOURS[each] for each in suite.flavours if each not in {one.flavour for one in found}]
    if missing:
        say(f"not on this machine: {', '.join(missing)}")
    return found or interpreters.find()[:1]


# ---- running and telling ----

class Progress:
    """A line that is rewritten on a terminal; elsewhere one now and then, so that a log shows life."""

    def __init__(self, label, total):
        self.label, self.total, self.told = label, total, time.monotonic()

    def show(self, results, running):
        passed = sum(each.passed for each in results)
        failed = sum(len(each.failures) for each in results)
        line = f"  {self.label:8} {len(results)}/{self.total} files  {passed} passed, {failed} failed  {running}"
        if LIVE:
            print("\r\033[K" + line[:shutil.get_terminal_size().columns - 1], end="", flush=True)
        elif time.monotonic() - self.told > 30:
            self.told = time.monotonic()
            say(line)


def tell_failures(result):
    if result.failures and LIVE:
        print("\r\033[K", end="")
    for name, _ in result.failures:
        say(f"  FAILED  {result.label}  {result.what}: {name}")


def tell_output(result):
    if LIVE:
        print("\r\033[K", end="")
    for line in filter(None, result.output.splitlines()):
        say(f"  {result.label:8} {result.what}: {line}")


def sweep(interpreter, chosen, run, seconds, jobs, talks):
    """All files under one interpreter."""
    results, started, progress = [], time.monotonic(), Progress(interpreter.name, len(chosen))
    with ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(run, interpreter, path, seconds): path for path in chosen}
        while pending:
            running = [path for future, path in pending.items() if future.running()]
            progress.show(results, " ".join(running))
            for future in wait(pending, timeout=1, return_when=FIRST_COMPLETED).done:
                del pending[future]
                results.append(future.result())
                tell_failures(results[-1])
                if talks:
                    tell_output(results[-1])
    if LIVE:
        print("\r\033[K", end="")
    passed = sum(each.passed for each in results)
    failed = sum(len(each.failures) for each in results)
    say(f"  {interpreter.name:8} {len(chosen)} files  {passed} passed, {failed} failed  "
        f"{time.monotonic() - started:.1f} s")
    return results


def never_tested(results):
    """A spec file that runs no test anywhere tests nothing."""
    ran = {each.what for each in results if each.passed or each.failures or each.skipped}
    return sorted({each.what for each in results} - ran)


def conclude(results):
    failed = [(each, name, message) for each in results for name, message in each.failures]
    if failed:
        say(f"\nFailures ({len(failed)}):")
    for number, (each, name, message) in enumerate(failed, 1):
        lines = message.splitlines()
        say(f"\n{number}) {each.label}  {each.what}\n   {name}")
        for line in lines[:40] + (["…"] if len(lines) > 40 else []):
            say("      " + line)
    skipped = [f"{each.label} {each.what}: {name}" for each in results for name in each.skipped]
    if skipped:
        say(f"\nSkipped ({len(skipped)}), because KAFKA_BROKERS is a cluster of yours:\n  " + "\n  ".join(skipped))
    slow = sorted((each for each in results if each.seconds > 10), key=lambda each: -each.seconds)[:8]
    if slow:
        say("\nslowest: " + ", ".join(f"{each.what} ({each.label}) {each.seconds:.0f} s" for each in slow))
    passed = sum(each.passed for each in results)
    say(f"\n{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in SUITES:
        sys.exit(__doc__)
    process.end_all_when_told()
    suite, only = SUITES[sys.argv[1]], os.environ.get("ONLY", "").split()
    seconds, jobs = int(os.environ.get("SPEC_TIMEOUT") or suite.seconds), int(os.environ.get("JOBS") or 1)
    results = []
    for name in suite.before:
        if not only or name in only or name == "fixture":
            results.append(STEPS[name]())
            each = results[-1]
            if each.passed or each.failures:
                tell_failures(each)
                say(f"  {each.label:8} {each.passed} passed, {len(each.failures)} failed  {each.seconds:.1f} s")
    only = [each for each in only if each not in STEPS]
    if os.environ.get("ONLY") and not only:
        return conclude(results)
    chosen, used = files(suite, only), present(suite, os.environ.get("LUA"))
    if not used:
        results.append(specs.Result("lua", "interpreters"))
        results[-1].fail("present", "no Lua interpreter on this machine; make deps installs some")
    run = example if suite.folders == ("examples",) else specs.run
    if used and chosen:
        say(f"{', '.join(root for root in (only or suite.folders) if (ROOT / root).exists())}")
    swept = []
    for interpreter in used if chosen else ():
        swept += sweep(interpreter, chosen, run, seconds, jobs, suite.talks)
    for what in never_tested(swept) if len(used) == len(suite.flavours) else ():
        swept.append(specs.Result("all", what))
        swept[-1].fail("(the file)", "ran no test on any interpreter")
    return conclude(results + swept)


if __name__ == "__main__":
    sys.exit(main())
