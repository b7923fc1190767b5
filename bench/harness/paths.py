"""Where things are."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(ROOT, "bench")
BUILD = os.path.join(ROOT, "build")
MADE = os.path.join(BUILD, "bench")                     # the compiled twins and, by Lua version, probe.so
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
