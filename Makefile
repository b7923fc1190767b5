# `make` alone lists the verbs. All work from a fresh clone and set up what they need by themselves.
# LUA as the caller gave it narrows a test run; by default every interpreter takes part.
ONE := $(LUA)
# Looked up only when a recipe runs: `deps` may just have installed it.
LUA ?= $(shell sh scripts/lua-versions | head -n 1 | cut -d' ' -f3)
FEATURES ?= vendored
export FEATURES FILE # to recipes by the environment: a name may hold anything

PYTHON := python3 -B
# What a program needs to find the module built for $(LUA).
WITH_MODULE = LUA=$(LUA) LUA_CPATH="$(CURDIR)/build/$$(sh scripts/lua-versions $(LUA) | cut -d' ' -f2)/?.so;$${LUA_CPATH:-;}"

.PHONY: help deps demo build build-all test test-kafka hammer lint bench examples clean

help:
	@echo 'make deps         install compilers, Lua interpreters, busted …     needs root or sudo when something is missing'
	@echo 'make demo         send a file through a mock cluster, check it      seconds once built; FILE=… LUA=…'
	@echo 'make build        build/<version>/kafka.so for LUA=luajit           first time 5-7 minutes, then seconds to half a minute'
	@echo 'make build-all    the same for every interpreter found              first time 10 minutes'
	@echo 'make test         unit, classic and regression specs, all Luas      ~25 minutes, JOBS=2 15; ONLY=spec/unit/x_spec.lua LUA=…'
	@echo 'make test-kafka   stories on real Apache Kafka                      ~14 minutes; needs Java 17, Maven (or KAFKA_BROKERS)'
	@echo 'make hammer       long runs, and a packed source rock               an hour or more; needs Java 17, Maven'
	@echo 'make lint         formatting, clippy, luacheck, the rules of the tree   ~2 minutes'
	@echo 'make bench        against C twins; SMOKE=1 for a quick look         ~8 minutes an interpreter; needs Java 17, Maven'
	@echo 'make examples     runs each of examples/ on a mock cluster          ~1 minute'
	@echo 'make clean        removes what was built of our own code            the native libraries stay; cargo clean removes them too'

deps:
	@sh scripts/deps

build: deps
	@sh scripts/build $(LUA)

build-all: deps
	@sh scripts/build all

demo: build
	@$(WITH_MODULE) $(LUA) examples/demo.lua "$$FILE"

test: build-all
	@LUA='$(ONE)' ONLY='$(ONLY)' JOBS='$(JOBS)' $(PYTHON) scripts/test.py unit

test-kafka: build-all
	@sh scripts/deps kafka
	@LUA='$(ONE)' ONLY='$(ONLY)' $(PYTHON) scripts/test.py kafka

hammer: build-all
	@sh scripts/deps kafka
	@LUA='$(ONE)' ONLY='$(ONLY)' $(PYTHON) scripts/test.py hammer

examples: build
	@LUA='$(LUA)' ONLY='$(ONLY)' $(PYTHON) scripts/test.py examples

lint: build
	@$(PYTHON) scripts/lint.py

bench: build-all
	@$(if $(SMOKE),:,sh scripts/deps kafka)
	@SMOKE='$(SMOKE)' $(PYTHON) bench/run

clean:
	rm -rf build
	cargo clean --release -p lua-kafka
