# `make demo` and `make test` do all their own set-up. Variables can be given on the command line: make demo DEMO_STEPS=100
# The papers' tables: make table-mde-3 DATA=FOLDER SCALE=small GPUS=1

PYTHON     ?= python3
VENV       ?= .venv
DEMO       ?= demo
DEMO_STEPS ?= 400
WORKERS    ?= 2

INPAINT = $(VENV)/bin/inpaint
READY   = $(VENV)/.ready

.DELETE_ON_ERROR:
.PHONY: help demo gallery test test-long lint benchmark benchmark-gpu clean
help: ## this list
	@awk -F ':.*## ' 'FNR == 1 { title = substr($$0, 3) } \
	    /^[a-z].*## / { if (title) print "\n" title; title = ""; printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- the environment ----------------------------------------------------------------------------------------------

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# ---- the demo: each file is made by one command from the files before it --------------------------------------------

DEMO_MASKS = colorize:1
DEMO_FIRST = 20
DEMO_STEP  = $(VENV)/bin/python -m inpaint_cli.reports.demo
DEMO_MODEL = $(wildcard inpaint_cli/shipped/faces.safetensors)
DEMO_FACE  = $(if $(DEMO_MODEL),$(DEMO)/face_inpaint.png)

demo: ## complete photos, train a network for a minute and measure it, on photographs that need no download
demo: $(DEMO)/index.html
	@echo
	@$(DEMO_STEP) table $(DEMO)
	@echo
	@echo "Open $(DEMO)/index.html."

$(DEMO)/object.png $(DEMO)/scratched.png $(DEMO)/face.png &: $(READY)
	mkdir -p $(DEMO)
	$(DEMO_STEP) photos $(DEMO)

$(DEMO)/object_inpaint.png $(DEMO)/scratched_inpaint.png $(DEMO)/look/index.html &: $(DEMO)/object.png $(DEMO)/scratched.png
	$(INPAINT) complete $^ --page $(DEMO)/look --overwrite

$(DEMO)/face_inpaint.png: $(DEMO)/face.png $(DEMO_MODEL)
	$(INPAINT) complete $< --method auto --overwrite

$(DEMO)/demo.h5: $(READY)
	mkdir -p $(DEMO)
	$(INPAINT) prepare demo -o $@ --overwrite

$(DEMO)/run/.trained: $(DEMO)/demo.h5
	$(INPAINT) train --method mde --data $< --outdir $(DEMO)/run --masks $(DEMO_MASKS) --steps $(DEMO_FIRST) --batch 16 \
	    --sample-every 20 --set generator=strided --set width=16 --set perceptual=0 --set hide_and_seek=none --set completion=20 \
	    --set learning_rate=1e-3 --set ema=0.99 --overwrite
	$(INPAINT) train --method mde --data $< --outdir $(DEMO)/run --resume --steps $(DEMO_STEPS)
	touch $@

$(DEMO)/results.json: $(DEMO)/demo.h5 $(DEMO)/run/.trained
	$(INPAINT) evaluate --checkpoint $(DEMO)/run/checkpoints/step-000000$(DEMO_FIRST).safetensors --checkpoint $(DEMO)/run \
	    --method patch --method tv --data $< --masks $(DEMO_MASKS) --grid $(DEMO)/examples.png --show 6 -o $@ --overwrite > /dev/null

$(DEMO)/training.html: $(DEMO)/run/.trained $(DEMO)/results.json
	$(INPAINT) report page $(DEMO)/run --results $(DEMO)/results.json -o $@ --overwrite

$(DEMO)/index.html: $(DEMO)/look/index.html $(DEMO_FACE) $(DEMO)/training.html
	$(DEMO_STEP) page $(DEMO)

gallery: $(DEMO)/look/index.html $(DEMO_FACE) $(DEMO)/results.json ## the README's pictures
	$(DEMO_STEP) gallery $(DEMO)

# ---- the papers' tables and figures: what all papers share, and the experiments of each -----------------------------

comma := ,
nothing :=
space := $(nothing) $(nothing)
PAPERS      = inpaint_cli/reports/papers
EXPERIMENTS = $(wildcard $(PAPERS)/*/experiments.mk)
include $(PAPERS)/shared.mk $(EXPERIMENTS)

# ---- checks -------------------------------------------------------------------------------------------------------

test: $(READY) ## the tests
	$(VENV)/bin/python -m pytest -m 'not benchmark and not long' --numprocesses $(WORKERS) --dist worksteal

test-long: $(READY) ## the tests that take minutes each
	$(VENV)/bin/python -m pytest -m long

lint: $(READY) ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

benchmark: $(READY) ## speed and memory, as ratios measured in one run
	$(VENV)/bin/python -m pytest -m benchmark -s

benchmark-gpu: $(READY) ## where a GPU is: its tests, every method's step, figures into RESULTS.md, ten minutes at most
	$(VENV)/bin/python tests/benchmarks/gpu.py

clean: ## remove the environment, the demo and the tables
	rm -rf $(VENV) $(DEMO) tables
