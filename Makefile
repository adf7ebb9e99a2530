# Balcony's front door: `make help` says what there is.

.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
NINJA := ninja -j$(JOBS)
CXX_FILES = $(shell git ls-files --cached --others --exclude-standard '*.h' '*.cc')

.PHONY: build run test asan tsan fuzz bench bench-compare lint format docs install clean help ci

build: build/release/build.ninja  ## builds everything (release), into build/release
	@$(NINJA) -C build/release

run:  ## installs what is missing, builds, and starts a server to play with
	@tools/install-packages build
	@$(MAKE) build-only TARGET="balconyd balconyctl balcony_cli"
	@exec build/release/bin/balconyd --demo

test:  ## installs what is missing, builds, and runs all tests
	@tools/install-packages build test
	@$(MAKE) build
	@tools/run-tests build/release

test-%: build/release/build.ninja  ## the tests of one folder: make test-jid
	@ninja -C build/release --quiet build.ninja
	@! grep -q '^build $*_test:' build/release/build.ninja || $(NINJA) -C build/release $*_test
	@cd build/release && ctest --no-tests=error --output-on-failure -R '^$*$$'

scenario-%: build  ## dialogues whose name holds this: make scenario-ping
	@tests/scenario/run --binary build/release/bin/balconyd --filter $*

asan:  ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer (g++)
	@tools/install-packages build test
	@$(MAKE) build/asan/build.ninja && $(NINJA) -C build/asan
	@tools/run-tests build/asan

tsan:  ## all tests under ThreadSanitizer (clang)
	@tools/install-packages build test fuzz
	@$(MAKE) build/tsan/build.ninja && $(NINJA) -C build/tsan
	@tools/run-tests build/tsan

# bash has a SECONDS of its own, make has not: an unset one means a minute.
fuzz:  ## feeds one parser, or all: make fuzz TARGET=xml SECONDS=60
	@tools/install-packages build test fuzz
	@$(MAKE) build/fuzz/build.ninja && $(NINJA) -C build/fuzz $(if $(TARGET),fuzz_$(TARGET))
	@tools/run-fuzz --seconds $(or $(SECONDS),60) $(TARGET)

bench: build  ## measures: bench/run
	@test -x bench/run || { echo "There is no bench/run in this tree."; exit 1; }
	@bench/run build/release

bench-compare: build  ## the same beside Prosody and ejabberd: docs/benchmarks.md, README.md
	@tools/install-packages build interop
	@bench/run build/release --write docs/benchmarks.md README.md

lint:  ## layout, tidy, every header alone, clang-tidy on what has changed
	@tools/install-packages build test fuzz lint
	@clang-format-19 --dry-run -Werror $(CXX_FILES)
	@$(MAKE) build/release/build.ninja && $(NINJA) -C build/release inner_headers public_headers
	@tools/tidy --build build/release
	@tools/clang-tidy-changed

format:  ## lays out all C++ as .clang-format says
	@tools/install-packages lint
	@clang-format-19 -i $(CXX_FILES)

docs:  ## pages of the public headers, into build/docs
	@tools/install-packages docs
	@mkdir -p build/docs && doxygen docs/Doxyfile
	@echo "Open build/docs/html/index.html"

install: build  ## installs to PREFIX (/usr/local), below DESTDIR
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

ci:  ## exactly what CI runs
	@.ci/run

clean:  ## removes build/
	@rm -rf build

help:  ## this
	@echo "make TARGET, where TARGET is:"
	@sed -n 's/^\([a-z%-]*\):[^#]*##  *\(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

# What stands behind the ones above.
.PHONY: build-only
build-only: build/release/build.ninja
	@$(NINJA) -C build/release $(TARGET)

build/%/build.ninja: CMakePresets.json
	@mkdir -p build
	@cmake --preset $* >build/$*.configure.log 2>&1 || { cat build/$*.configure.log; exit 1; }
	@touch $@
