# From a bare machine to a trained operator: `make demo`. All the set-up is a prerequisite of what needs it.

SWIFT ?= swift
PREFIX ?= /usr/local
# The processor to build for; `OPERATORS_MARCH=x86-64-v3 make build` makes a program that runs on others too.
OPERATORS_MARCH ?= native
# The wheel for processors alone is far smaller, where an index has it: torch==2.13.0+cpu.
TORCH_REQUIREMENT ?= torch
PYTHON ?= python3
SWIFTFLAGS := -c release -Xcc -march=$(OPERATORS_MARCH)
PROGRAM := .build/release/operatorctl

.PHONY: all deps build test validate demo reproduce bench bench-kernels bench-solvers format lint install clean help

all: build

help:
	@echo "make demo     set up, build, and run the main job: data, training, prediction, a table"
	@echo "make reproduce  the experiments of examples/: about four hours; FULL=1 for the papers' sizes"
	@echo "make test     set up, build, and run the tests"
	@echo "make build    the program, at $(PROGRAM)"
	@echo "make install  the program, into PREFIX/bin (PREFIX=$(PREFIX))"
	@echo "make deps     install FFTW, OpenBLAS and NetCDF where pkg-config does not find them"
	@echo "make bench    compare with the Python peers, in turn: models (into docs/benchmarks.md), Burgers, Darcy, files"
	@echo "make bench-kernels  time the kernels beside the limits of the machine"
	@echo "make bench-solvers  time the solvers beside their peers and the limits of the machine"
	@echo "make validate the long runs of docs/validation.md: minutes"
	@echo "make format   format the sources; make lint checks them"
	@echo "make clean    remove what was built"

deps:
	@scripts/install-dependencies.sh

build: deps
	$(SWIFT) build $(SWIFTFLAGS) --product operatorctl

test: deps
	$(SWIFT) build $(SWIFTFLAGS) --build-tests
	$(SWIFT) test $(SWIFTFLAGS) --skip-build

validate: deps
	$(SWIFT) build $(SWIFTFLAGS) --build-tests
	OPERATORS_VALIDATION=1 $(SWIFT) test $(SWIFTFLAGS) --skip-build --filter CavityTests

demo: build
	@examples/demo/run.sh $(PROGRAM)

# FULL=1: the papers' sizes. PEER=.venv/bin/python (after `make .venv/peers`): neuraloperator beside them, where an
# experiment compares with it.
reproduce: build
	@PROGRAM=$(PROGRAM) FULL=$(FULL) examples/reproduce.sh

# The Python peers, for comparisons only.
.venv/peers: Benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet $(TORCH_REQUIREMENT) -r Benchmarks/peers/requirements.txt
	touch $@

bench: build .venv/peers
	$(SWIFT) build $(SWIFTFLAGS) --package-path Benchmarks --product KernelBenchmarks
	.venv/bin/python Benchmarks/compare.py models optimizer scaling prediction burgers darcy files --write docs/benchmarks.md | tee bench.md

bench-kernels: deps
	$(SWIFT) build $(SWIFTFLAGS) --package-path Benchmarks --product KernelBenchmarks
	Benchmarks/.build/release/KernelBenchmarks | tee bench-kernels.md

bench-solvers: build .venv/peers
	$(SWIFT) build $(SWIFTFLAGS) --package-path Benchmarks
	.venv/bin/python Benchmarks/solvers.py | tee bench-solvers.md

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/operatorctl

clean:
	rm -rf .build Benchmarks/.build .venv demo bench.md bench-kernels.md bench-solvers.md
