# `make demo` and `make test` do all their own set-up. Variables can be given on the command line: make demo DEMO_STEPS=100
# The papers' tables: make table-mde-3 DATA=FOLDER SCALE=small GPUS=1

PYTHON     ?= python3
VENV       ?= .venv
DEMO       ?= demo
DEMO_STEPS ?= 1000
WORKERS    ?= 2

INPAINT = $(VENV)/bin/inpaint
READY   = $(VENV)/.ready

.DELETE_ON_ERROR:
.PHONY: help demo picture test test-long lint benchmark benchmark-gpu clean
help: ## this list
	@awk -F ':.*## ' 'FNR == 1 { title = substr($$0, 3) } \
	    /^[a-z].*## / { if (title) print "\n" title; title = ""; printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- the environment ----------------------------------------------------------------------------------------------

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# ---- the demo: each file is made by one command from the files before it --------------------------------------------

DEMO_MASKS = block:24

demo: ## prepare, train, complete and evaluate on photographs that need no download
demo: $(DEMO)/look/index.html $(DEMO)/contact_sheet.png $(DEMO)/training.html $(DEMO)/results.json
	@echo
	@$(VENV)/bin/python -m inpaint_cli.reports.demo table $(DEMO)
	@echo
	@echo "Open $(DEMO)/look/index.html, an object taken out of a photo, and $(DEMO)/training.html, how the network learned;"
	@echo "$(DEMO)/contact_sheet.png has three methods beside each other."

$(DEMO)/demo.h5: $(READY)
	mkdir -p $(DEMO)
	$(INPAINT) prepare demo -o $@ --overwrite

$(DEMO)/run/.trained: $(DEMO)/demo.h5
	$(INPAINT) train --method mde --data $< --outdir $(DEMO)/run --masks $(DEMO_MASKS) --steps $(DEMO_STEPS) --batch 16 \
	    --sample-every 250 --set generator=strided --set width=16 --set perceptual=0 --set hide_and_seek=none --set completion=20 \
	    --set learning_rate=1e-3 --set ema=0.99 --overwrite
	touch $@

$(DEMO)/photo.png $(DEMO)/mask.png &: $(READY)
	mkdir -p $(DEMO)
	$(VENV)/bin/python -m inpaint_cli.reports.demo photo $(DEMO)

$(DEMO)/completed_mde.png: $(DEMO)/photo.png $(DEMO)/mask.png $(DEMO)/run/.trained
	$(INPAINT) complete $< --mask $(DEMO)/mask.png -o $@ --checkpoint $(DEMO)/run --overwrite

$(DEMO)/completed_%.png: $(DEMO)/photo.png $(DEMO)/mask.png
	$(INPAINT) complete $< --mask $(DEMO)/mask.png -o $@ --method $* --overwrite

$(DEMO)/results.json: $(DEMO)/demo.h5 $(DEMO)/run/.trained
	$(INPAINT) evaluate --checkpoint $(DEMO)/run --method tv --method patch --data $< --masks $(DEMO_MASKS) \
	    --grid $(DEMO)/examples.png -o $@ --overwrite > /dev/null

$(DEMO)/contact_sheet.png: $(DEMO)/completed_mde.png $(DEMO)/completed_tv.png $(DEMO)/completed_patch.png
	$(VENV)/bin/python -m inpaint_cli.reports.demo sheet $(DEMO)

$(DEMO)/scene.png $(DEMO)/scene_mask.png &: $(READY)
	mkdir -p $(DEMO)
	$(VENV)/bin/python -m inpaint_cli.reports.demo scene $(DEMO)

$(DEMO)/scene_inpaint.png $(DEMO)/look/index.html &: $(DEMO)/scene.png $(DEMO)/scene_mask.png
	$(INPAINT) complete $(DEMO)/scene.png --page $(DEMO)/look --overwrite

$(DEMO)/training.html: $(DEMO)/run/.trained
	$(INPAINT) report page $(DEMO)/run -o $@ --overwrite

picture: $(DEMO)/scene_inpaint.png ## the README's first picture
	$(VENV)/bin/python -m inpaint_cli.reports.demo picture $(DEMO)
	mkdir -p .github && cp $(DEMO)/picture.jpg .github/picture.jpg

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
