# `make demo` and `make test` do all their own set-up. Variables can be given on the command line: make demo DEMO_STEPS=100

PYTHON     ?= python3
VENV       ?= .venv
DEMO       ?= demo
DEMO_STEPS ?= 1000

INPAINT = $(VENV)/bin/inpaint
READY   = $(VENV)/.ready

.PHONY: help demo test lint benchmark clean
help:
	@echo "make demo       prepare, train, complete and evaluate on photographs that need no download; then look at $(DEMO)/"
	@echo "make test       the tests"
	@echo "make benchmark  speed and memory, as ratios measured in one run"
	@echo "make lint       style"
	@echo "make clean      remove the environment and the demo"

# ---- the environment ----------------------------------------------------------------------------------------------

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# ---- the demo: each file is made by one command from the files before it --------------------------------------------

DEMO_MASKS = block:24

demo: $(DEMO)/contact_sheet.png
	@echo
	@$(VENV)/bin/python -m inpaint_cli.reports.demo table $(DEMO)
	@echo
	@echo "Look at $(DEMO)/contact_sheet.png, and at $(DEMO)/run/samples and $(DEMO)/run/curves.png for the training."

$(DEMO)/demo.h5: $(READY)
	mkdir -p $(DEMO)
	$(INPAINT) prepare demo -o $@ --overwrite

$(DEMO)/run/.trained: $(DEMO)/demo.h5
	$(INPAINT) train --method mde --data $< --outdir $(DEMO)/run --masks $(DEMO_MASKS) --steps $(DEMO_STEPS) --batch 16 \
	    --sample-every 250 --set width=16 --set perceptual=0 --set hide_and_seek=none --set completion=20 \
	    --set learning_rate=1e-3 --set ema=0.99 --overwrite
	touch $@

$(DEMO)/photo.png $(DEMO)/mask.png &: $(READY)
	mkdir -p $(DEMO)
	$(VENV)/bin/python -m inpaint_cli.reports.demo photo $(DEMO)

$(DEMO)/completed_mde.png: $(DEMO)/photo.png $(DEMO)/mask.png $(DEMO)/run/.trained
	$(INPAINT) complete $< --mask $(DEMO)/mask.png -o $@ --checkpoint $(DEMO)/run --overwrite

$(DEMO)/completed_tv.png: $(DEMO)/photo.png $(DEMO)/mask.png
	$(INPAINT) complete $< --mask $(DEMO)/mask.png -o $@ --method tv --overwrite

$(DEMO)/results_mde.json: $(DEMO)/run/.trained
	$(INPAINT) evaluate --checkpoint $(DEMO)/run --data $(DEMO)/demo.h5 --masks $(DEMO_MASKS) -o $@ --overwrite > /dev/null

$(DEMO)/results_tv.json: $(DEMO)/demo.h5
	$(INPAINT) evaluate --method tv --data $< --masks $(DEMO_MASKS) -o $@ --overwrite > /dev/null

RESULTS = $(DEMO)/results_mde.json $(DEMO)/results_tv.json

$(DEMO)/contact_sheet.png: $(DEMO)/completed_mde.png $(DEMO)/completed_tv.png $(RESULTS)
	$(VENV)/bin/python -m inpaint_cli.reports.demo sheet $(DEMO)

# ---- checks -------------------------------------------------------------------------------------------------------

test: $(READY)
	$(VENV)/bin/python -m pytest -m 'not benchmark'

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

benchmark: $(READY)
	$(VENV)/bin/python -m pytest -m benchmark -s

clean:
	rm -rf $(VENV) $(DEMO)
