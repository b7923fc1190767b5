"""The Lua interpreters to measure, and the environment our Lua programs need under each."""

import os
import subprocess
import sys

from harness import paths
from harness.programs import Failed

DEFAULT = ("luajit", "lua5.1", "lua5.4")


class Interpreter:
    def __init__(self, name, flavour, version, path):
        self.name, self.version, self.path = name, version, path
        self.is_jit = flavour == "jit"
        self.module = os.path.join(paths.BUILD, version, "kafka.so")

    def environment(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("LUA_")}
        env["LUA_PATH"] = os.path.join(paths.BENCH, "lua", "?.lua") + ";;"
        folders = (os.path.join(paths.BUILD, self.version), os.path.join(paths.MADE, self.version))
        env["LUA_CPATH"] = "".join(os.path.join(folder, "?.so") + ";" for folder in folders) + ";"
        return env

    def described(self):
        return self.told("print(jit and jit.version or _VERSION)")

    def told(self, text):
        """What a short Lua program prints."""
        ended = subprocess.run([self.path, "-e", text], env=self.environment(), stdout=subprocess.PIPE,
                               universal_newlines=True)
        return ended.stdout.strip()


def find(name):
    answer = subprocess.run(["sh", os.path.join(paths.ROOT, "scripts", "lua-versions"), name],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    if answer.returncode != 0:
        return None
    flavour, version, path = answer.stdout.split(None, 2)
    return Interpreter(name, flavour, version, path.strip())


def chosen(names):
    """Those named, all of which must be there, or those of the default that are."""
    found = []
    for name in (names or "").replace(",", " ").split() or DEFAULT:
        one = find(name)
        if one is None:
            if names:
                raise Failed("no such Lua interpreter: " + name)
            print("bench: %s is not installed, left out" % name, file=sys.stderr)
            continue
        if not os.path.exists(one.module):
            raise Failed("%s is missing; run `make build` first" % os.path.relpath(one.module, paths.ROOT))
        found.append(one)
    if not found:
        raise Failed("no Lua interpreter found; `make deps` installs some")
    return found
