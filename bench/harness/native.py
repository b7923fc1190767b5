"""Compiles the C twins against the librdkafka that cargo built for our module, with the libraries it was built with."""

import glob
import os
import re
import shlex
import subprocess
import sys

from harness import paths
from harness.programs import Failed

TWINS = ("produce", "consume", "roundtrip", "memory", "calls", "topic", "mock")
SOURCES = os.path.join(paths.BENCH, "c")
COMPILER = shlex.split(os.environ.get("CC", "cc")) + ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
LIBRARIES = ("CURL_LIBRARY_RELEASE", "OPENSSL_SSL_LIBRARY", "OPENSSL_CRYPTO_LIBRARY", "ZSTD_LIBRARY_RELEASE",
             "ZLIB_LIBRARY_RELEASE")
FRAMEWORKS = ("CoreFoundation", "CoreServices", "Security", "SystemConfiguration")


def locked_version():
    with open(os.path.join(paths.ROOT, "Cargo.lock")) as lock:
        found = re.search(r'name = "rdkafka-sys"\nversion = "[^"+]*\+([^"]+)"', lock.read())
    if not found:
        raise Failed("rdkafka-sys is not in Cargo.lock")
    return found.group(1)


def header_version(out):
    with open(os.path.join(out, "include", "librdkafka", "rdkafka.h")) as header:
        number = int(re.search(r"#define RD_KAFKA_VERSION (0x[0-9a-f]+)", header.read()).group(1), 16)
    return "%d.%d.%d" % (number >> 24, number >> 16 & 255, number >> 8 & 255)


def librdkafka(wanted):
    """The newest build of the version in Cargo.lock."""
    archives = glob.glob(os.path.join(paths.TARGET, "release", "build", "rdkafka-sys-*", "out", "lib*", "librdkafka.a"))
    for archive in sorted(archives, key=os.path.getmtime, reverse=True):
        out = os.path.dirname(os.path.dirname(archive))
        if header_version(out) == wanted:
            return out, archive
    raise Failed("no static librdkafka %s under %s; run `make build` first" % (wanted, paths.TARGET))


def link_line(out, archive):
    """librdkafka and the archives cmake found for it."""
    with open(os.path.join(out, "build", "CMakeCache.txt")) as cache:
        entries = dict(re.findall(r"^(\w+):\w+=(.+)$", cache.read(), re.MULTILINE))
    found = [entries[name] for name in LIBRARIES if os.path.exists(entries.get(name, ""))]
    system = ["-lpthread", "-lm"] + (["-ldl", "-lrt"] if sys.platform != "darwin" else [])
    frameworks = [part for name in FRAMEWORKS for part in ("-framework", name)] if sys.platform == "darwin" else []
    return [archive] + found + system + frameworks


def compiled(made, sources, command):
    """Runs the compiler unless what it would make is newer than everything it is made of."""
    if os.path.exists(made) and all(os.path.getmtime(source) < os.path.getmtime(made) for source in sources):
        return
    os.makedirs(os.path.dirname(made), exist_ok=True)
    if subprocess.run(command + ["-o", made]).returncode != 0:
        raise Failed("could not compile " + os.path.relpath(made, paths.ROOT))


def lua_headers(version):
    digits = version.replace(".", "")
    for package in ("lua" + version, "lua-" + version, "lua" + digits) + (("luajit",) if version == "5.1" else ()):
        answer = subprocess.run(["pkg-config", "--cflags", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                universal_newlines=True)
        if answer.returncode == 0:
            return shlex.split(answer.stdout)
    raise Failed("no headers of Lua %s (pkg-config knows no lua%s); `make deps` installs them" % (version, version))


def build(interpreters):
    wanted = locked_version()
    out, archive = librdkafka(wanted)
    headers = glob.glob(os.path.join(SOURCES, "*.h"))
    for name in TWINS:
        source = os.path.join(SOURCES, name + ".c")
        compiled(os.path.join(paths.MADE, name), [source, archive] + headers,
                 COMPILER + ["-isystem", os.path.join(out, "include"), source] + link_line(out, archive))
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    source = os.path.join(SOURCES, "probe.c")
    for version in sorted({one.version for one in interpreters}):
        compiled(os.path.join(paths.MADE, version, "probe.so"), [source] + headers,
                 COMPILER + ["-fPIC"] + shared + lua_headers(version) + [source])
    told = subprocess.run([os.path.join(paths.MADE, "topic"), "do=version"], stdout=subprocess.PIPE,
                          universal_newlines=True).stdout.strip()
    if told != wanted:
        raise Failed("the twins run librdkafka %r, Cargo.lock says %r" % (told, wanted))
    for one in interpreters:
        told = one.told("print(require('kafka').librdkafka_version())")
        if told != wanted:
            raise Failed("the module for %s runs librdkafka %r, the twins %r" % (one.name, told, wanted))
