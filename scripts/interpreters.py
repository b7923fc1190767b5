"""The Lua interpreters of this machine and the environment a program of ours needs under each."""
import os
import subprocess
from dataclasses import dataclass

from process import ROOT

FLAVOURS = {"jit": "luajit", "5.1": "lua5.1", "5.2": "lua5.2", "5.3": "lua5.3", "5.4": "lua5.4"}


@dataclass(frozen=True)
class Interpreter:
    flavour: str
    version: str
    path: str

    @property
    def name(self):
        return FLAVOURS[self.flavour]

    def environment(self):
        env = dict(os.environ)
        suffix = "_" + self.version.replace(".", "_")
        own = {"LUA_PATH": "", "LUA_CPATH": f"{ROOT}/build/{self.version}/?.so;"}
        rocks = ROOT / "build" / "rocks" / self.version  # scripts/deps puts busted there if the system has none
        if rocks.is_dir():
            own["LUA_PATH"] += f"{rocks}/share/lua/{self.version}/?.lua;{rocks}/share/lua/{self.version}/?/init.lua;"
            own["LUA_CPATH"] += f"{rocks}/lib/lua/{self.version}/?.so;"
        for variable, value in own.items():
            versioned = env.pop(variable + suffix, None)  # would hide the plain one from 5.2 on
            theirs = versioned or env.get(variable) or ";"
            if value or versioned:
                env[variable] = value + theirs
        env["LUA"] = self.path
        return env


def find(names=()):
    """All interpreters found here, or the named ones."""
    listing = subprocess.run(["sh", "scripts/lua-versions", *names], cwd=ROOT, text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    return [Interpreter(*line.split(" ", 2)) for line in listing.splitlines()]
