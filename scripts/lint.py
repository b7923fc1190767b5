#!/usr/bin/env python3
"""The rules of the tree. One line a check, `ok` or `FAILED` with the places; the last line is `N passed, N failed`."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import rust_source

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHELL = ("scripts/build", "scripts/deps", "scripts/lua-versions", "scripts/rock-install", "scripts/source-rock", ".ci/run")
OURS = ("src", "spec", "bench", "examples", "fixture", "scripts", "types")
SOURCES = {".rs", ".lua", ".py", ".c", ".h", ".sh", ""}
# libpthread and its like are parts of libc in their own files before glibc 2.34.
NEEDED = re.compile(r"^(libc|libm|libgcc_s|ld-linux[\w-]*|libpthread|libdl|librt)\.(so|musl)")


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def tree(*folders):
    """Paths of the source files below these folders, relative to the checkout."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT)
            hidden = any(part.startswith(".") or part in ("__pycache__", "data", "cache") for part in relative.parts)
            if path.is_file() and path.suffix in SOURCES and not hidden:
                yield str(relative)


def rust(folder="src"):
    return [path for path in tree(folder) if path.endswith(".rs")]


def search(paths, pattern, prepare=lambda path: read(path)):
    """Places `file:line: text` where the pattern matches."""
    regex = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(prepare(path).split("\n"), 1):
            if regex.search(line):
                yield f"{path}:{number}: {line.strip()}"


def code(path):
    return rust_source.split(read(path))[0]


def below(path, *folders):
    return any(path.startswith(folder + "/") for folder in folders)


# ---- tools ----

def tool(*command):
    if not shutil.which(command[0]):
        return [f"{command[0]} is not installed"]
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, text=True, errors="replace",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ended.stdout.rstrip().splitlines()[-60:] or [f"status {ended.returncode}"] if ended.returncode else []


def formatting():
    return tool("cargo", "fmt", "--check", "--", "--color", "never")


def clippy():
    features = "lua51," + os.environ.get("FEATURES", "vendored")
    return tool("cargo", "clippy", "--release", "--locked", "--all-targets", "--quiet", "--no-default-features",
                "--features", features, "--", "-D", "warnings")


def luacheck():
    return tool("luacheck", "-q", "--no-color", *[f for f in OURS if (ROOT / f).is_dir()])


def shell_syntax():
    bad = [line for path in SHELL for line in tool("bash" if path == ".ci/run" else "sh", "-n", path)]
    return bad + (tool("shellcheck", *SHELL) if shutil.which("shellcheck") else [])


def python_syntax():
    bad = []
    for path in (path for path in tree(*OURS) if path.endswith(".py")):
        try:
            compile(read(path), path, "exec")
        except SyntaxError as error:
            bad.append(f"{path}:{error.lineno}: {error.msg}")
    return bad


# ---- floors ----

def unsafe_floors():
    upper = [path for path in rust() if not below(path, "src/native", "src/lua/stack")]
    return search(upper, r"\bunsafe\b", code)


def unsafe_explained():
    return [f"{path}:{line}: {read(path).splitlines()[line - 1].strip()}"
            for path in rust() for line in rust_source.unexplained_unsafe(read(path))]


def mlua_floor():
    lower = [path for path in rust() if not below(path, "src/lua") and path != "src/lib.rs"]
    return search(lower, r"\bmlua\b", code)


def librdkafka_floor():
    upper = [path for path in rust() if not below(path, "src/native")]
    return search(upper, r"\b(rdkafka|rdkafka_sys|bindings|rd_kafka_\w+)\b", code)


def directions():
    """lua → client → native → model."""
    above = {"src/model": "native|client|lua", "src/native": "client|lua", "src/client": "lua"}
    for floor, others in above.items():
        yield from search(rust(floor), rf"\bcrate::({others})\b", code)


def no_panics():
    tests = set()
    for path in rust():
        for name in rust_source.test_modules(code(path)):
            home = pathlib.Path(path)
            home = home.parent if home.name in ("lib.rs", "mod.rs") else home.with_suffix("")
            tests |= {f"{home}/{name}.rs", f"{home}/{name}/mod.rs"}
    paths = [path for path in rust() if path not in tests]
    return search(paths, r"\.(unwrap|expect|unwrap_err|expect_err)\(|\b(panic|todo|unimplemented)!",
                  lambda path: rust_source.without_tests(code(path)))


def short_files():
    for path in tree(*OURS):
        lines = len(read(path).splitlines())
        if lines > 400:
            yield f"{path}: {lines} lines"


def short_lib():
    lines = len(read("src/lib.rs").splitlines())
    return [f"src/lib.rs: {lines} lines"] if lines >= 80 else []


# ---- texts ----

def texts():
    yield from tree(*OURS, "docs", "rockspec")
    for path in sorted(ROOT.glob("docs/**/*.md")):
        yield str(path.relative_to(ROOT))
    yield from (each for each in ("Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", ".ci/run") if (ROOT / each).exists())


def finished():
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"])
    return search(texts(), rf"\b({words})\b")


def no_skipped_tests():
    # spec/integration may skip what must not be done to the cluster of KAFKA_BROKERS; the runner sees to it.
    yield from search((path for path in tree("spec") if path.endswith(".lua") and not below(path, "spec/integration")),
                      r"\bpending\s*\(")
    yield from search(rust(), r"#\[ignore", code)


def no_local_paths():
    """Nothing may depend on where this checkout or its owner's home is."""
    here = [re.escape(str(path) + "/") for path in (ROOT, pathlib.Path.home()) if len(path.parts) > 1]
    return search(texts(), "|".join(here)) if here else []


# ---- the built modules ----

def modules():
    return sorted(ROOT.glob("build/5.*/kafka.so")) if sys.platform == "linux" else []


def built():
    return [] if modules() or sys.platform != "linux" else ["build/: no module is built"]


def stays_loaded():
    return [f"{path}: no NODELETE" for path in modules() if not any("NODELETE" in line for line in dump("readelf", "-d", path))]


def dump(*command):
    return subprocess.run([str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()


def exports():
    for path in modules():
        for line in dump("nm", "-D", "--defined-only", path):
            if not line.split()[-1].startswith("luaopen_kafka"):
                yield f"{path}: {line}"


def self_contained():
    for path in modules():
        stamp = path.with_name(".stamp")
        if stamp.exists() and "system-libs" in stamp.read_text():
            continue  # asked for
        for line in dump("readelf", "-d", path):
            name = re.search(r"\(NEEDED\).*\[(.*)\]", line)
            if name and not NEEDED.match(name.group(1)):
                yield f"{path}: needs {name.group(1)}"


CHECKS = [
    ("cargo fmt", formatting),
    ("cargo clippy, no warnings", clippy),
    ("luacheck", luacheck),
    ("shell scripts parse (and shellcheck, where installed)", shell_syntax),
    ("python files parse", python_syntax),
    ("unsafe only in src/native and src/lua/stack", unsafe_floors),
    ("each unsafe has its SAFETY: line", unsafe_explained),
    ("mlua only in src/lua and lib.rs", mlua_floor),
    ("librdkafka only in src/native", librdkafka_floor),
    ("floors depend downwards only", directions),
    ("no unwrap, expect, panic outside of tests", no_panics),
    ("no file over 400 lines", short_files),
    ("lib.rs is a table of contents (under 80 lines)", short_lib),
    ("nothing marked as unfinished", finished),
    ("no test is skipped", no_skipped_tests),
    ("no path of this machine", no_local_paths),
    ("a module is built", built),
    ("modules are never unloaded (NODELETE)", stays_loaded),
    ("modules export luaopen_kafka* only", exports),
    ("modules need nothing but libc, libm, libgcc_s", self_contained),
]


def main():
    failed = 0
    for title, check in CHECKS:
        places = list(check())
        failed += bool(places)
        print(f"{'FAILED' if places else 'ok':8}{title}", flush=True)
        for place in places:
            print(f"          {place}", flush=True)
    print(f"\n{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
