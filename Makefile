# Aisle. `make demo` and `make test` each set up what they need.
# VIDEO=FILE watches footage in place of the demo's shop; SERVE=0 ends it after the receipts or the report; PYTHON=... picks
# the interpreter.
# RATE=7 tells the soak how many frames a second VIDEO has, where its header is wrong.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests, file by file.
TESTERS ?= 2
VIDEO ?=
SERVE ?= 1
export YOLO_OFFLINE = true
export YOLO_AUTOINSTALL = false

.PHONY: setup demo test test-processes lint format train-smoke suite-fast suite soak bench bench-tracking bench-simulation bench-calibration clean

setup: $(VENV)/.weights

$(VENV)/.installed: pyproject.toml scripts/system-libraries
	@PYTHON=$(PYTHON) scripts/system-libraries libraries
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Aisle needs Python 3.11 or newer, this is %s: set PYTHON=..." % sys.version.split()[0])'
	@echo "== a virtual environment in $(VENV) (torch is large: this takes some minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check torch==2.14.1 torchvision==0.29.1
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[gpu,evaluate,simulation,training,cluster,dev]'
	@touch $@

$(VENV)/.weights: $(VENV)/.installed models/entries.py datasets/simulation/people/source.py
	@echo "== weights and the simulated people's bodies, checked by hash"
	@$(BIN)/aisle models fetch efficientdet-lite0 face-full-range
	@$(BIN)/python -m datasets.simulation.people.source
	@touch $@

demo: $(VENV)/.weights
	@scripts/demo "$(VIDEO)" "$(SERVE)"

test: $(VENV)/.weights
	@scripts/system-libraries tests
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile -m "not processes"

# A training by Ray in two workers, a detector's that is killed and resumed. Some minutes: after a change to training/.
test-processes: $(VENV)/.weights
	$(BIN)/python -m pytest tests/training -m processes

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every training script for some steps: trains, evaluates, exports, registers, promotes, rolls back, in a registry of its own.
# SCRIPTS="pose reach" runs these alone.
train-smoke: $(VENV)/.weights
	@scripts/train-smoke $(SCRIPTS)

# Simulated shoppers from pixels to receipts, cameras alone and with weight plates: each family with 2 seeds, and with 10.
# Films are kept in out/clips and made once. FAILURES=DIR also writes pages of the worst failures.
suite-fast suite: $(VENV)/.weights
	$(BIN)/aisle evaluate checkout $(if $(filter suite,$@),full,fast) --sensors both $(if $(FAILURES),--failures "$(FAILURES)")

# Two hours of footage from a looped file, as fast as it goes; prints the memory of the process and of the bus.
# Some 10 minutes: after a change to anything that runs for days.
soak: $(VENV)/.weights
	$(BIN)/python -m benchmarks.soak $(if $(VIDEO),--video "$(VIDEO)") $(if $(RATE),--frame-rate $(RATE))

# What decoding, networks, tracker, rings and the whole worker cost, beside the usual ways of doing the same: one table.
# ONLY=decoding measures one part of it, JSON=1 prints JSON. On a machine that does nothing else.
bench: $(VENV)/.weights
	@$(BIN)/aisle models fetch yolov8s-people
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json)

# Our tracker and the public ByteTrack on the same simulated crowds: updates per CPU-second. After a change to the tracker.
bench-tracking: $(VENV)/.installed
	$(BIN)/python -m benchmarks.tracking

# CPU seconds a picture of the simulated shop takes, with truth, noise and encoding. After a change to what draws it.
# PROCESSES=12 instead prints the frames a second of so many processes, for a machine with a GPU.
bench-simulation: $(VENV)/.installed
	$(BIN)/python -m benchmarks.simulation $(if $(PROCESSES),--processes $(PROCESSES))

# Floor errors of simulated shops that were calibrated by a board, by clicks, by people walking; bumps noticed.
# SEEDS=9000:9002 takes other shops, ONLY=points one part. Some 20 minutes; after a change to the calibration.
bench-calibration: $(VENV)/.installed
	$(BIN)/python -m benchmarks.calibration $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ONLY),--only $(ONLY))

clean:
	rm -rf $(VENV) out build *.egg-info
