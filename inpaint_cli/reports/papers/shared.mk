# The papers' tables and figures, from the original files in DATA=FOLDER, at SCALE=smoke|small|paper, on GPUS=N
#
# A paper is a folder beside this file: its published figures, one TOML file for each table, and its experiments.mk. The
# rules there say what is trained on what (.trained), what is measured (.json) and what becomes of it (.md, .png):
#
#   table-mde-3: ## targeted occlusions of faces                                what `make help` lists and says of it
#
#   $(TABLES)/mde-rec-0.1-0/.trained: $(TABLES)/celeba-96.h5                    a model, of the data that stands first
#       $(call train,--method mde --masks rec:0.1 --steps 4)
#
#   $(TABLES)/mde-3.json: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.1-0)     results, on the data, of the models
#       $(call evaluate,--masks face:mouth)
#
#   $(TABLES)/mde-3.md: $(TABLES)/mde-3.json                                    the table, made of the results
#
# Each file is made by one command from the files before it: a trained model is not trained again, and a run that was
# stopped goes on. smoke: the demo's data and a few steps, to prove the pipeline; small: hours of a CPU or minutes of a
# GPU, on whatever part of the data is there; paper: the paper's protocol. NAME_smoke, NAME_small and NAME_paper are
# what NAME is at each scale; a setting that it does not give has the method's default, which is the paper's. All
# makefiles are read as one, so a name may be given once.
#
# make -j8 trains eight models side by side, as a GPU has room for. OBSERVED=RECIPE: other data than the print's, where a
# paper's rules say that they can have them; its tables are in a folder of their own.

SCALE    ?= small
GPUS     ?= 1
DATA     ?=
OBSERVED ?=
TABLES   ?= tables/$(SCALE)$(addprefix -,$(OBSERVED))

.PHONY: tables figures
.SECONDARY:  # what stands between data and table is kept

# $(call listed,table): the targets that papers call table-NAME.
listed = $(shell sed -n 's/^\($(1)-[^ :%]*\):.*/\1/p' $(EXPERIMENTS))

tables: $(call listed,table) ## all tables
figures: $(call listed,figure) ## all figures

table-%: $(TABLES)/%.md
	@cat $<

figure-%: $(TABLES)/figure-%.png
	@echo $<
	@test ! -e $(<:.png=.md) || sed -n 's/^- departs from/departs from/p' $(<:.png=.md)

figure-%: $(TABLES)/figure-%.svg
	@echo $<

# ---- the steps from data to table -----------------------------------------------------------------------------------

# A prepared file has its recipe's name. DATA holds a folder for each data set, of celeba-96 for example celeba, or what
# SOURCE_celeba-96 says; PREPARE_celeba-96 are further options, SMOKE_celeba-96 those of the demo's data in its place.
SOURCE = $(or $(SOURCE_$*),$(firstword $(subst -, ,$*)))
SOURCE_celebamask-hq-128 = celebamask_hq

$(TABLES)/%.h5: $(READY)
	mkdir -p $(@D)
ifeq ($(SCALE)$(DATA),smoke)
	$(INPAINT) prepare demo $(SMOKE_$*) -o $@ --overwrite
else
	@test -n "$(DATA)" || { echo "say where the original files are: DATA=FOLDER, which holds $(SOURCE)/" >&2; exit 2; }
	$(INPAINT) prepare $* --source "$(DATA)/$(SOURCE)" $(PREPARE_$*) --allow-leaks -o $@ --overwrite
endif

# Where a paper's claims are tested at a small scale, three seeds say how much of a difference is chance.
SEEDS_smoke = 0
SEEDS_small = 0 1 2
SEEDS_paper = 0
SEEDS = $(SEEDS_$(SCALE))

# $(call runs,NAMES): the models that are trained in these run directories.
runs = $(1:%=$(TABLES)/%/.trained)

# $(call train,OPTIONS): a model is trained on the prepared file that stands first.
define train
$(INPAINT) train --data $< --outdir $(@D) --gpus $(GPUS) $(1) --resume
touch $@
endef

# $(call transfer,OPTIONS): what the encoder of the model that stands second has learned, on the prepared file that stands
# first; the run is a model, too.
define transfer
$(INPAINT) transfer --data $< --checkpoint $(patsubst %/.trained,%,$(word 2,$^)) --outdir $(@D) --gpus $(GPUS) $(1) \
    $(LIMIT) --resume > /dev/null
touch $@
endef

# The models among what a target stands on.
CHECKPOINTS = $(patsubst %/.trained,--checkpoint %,$(filter %/.trained,$^))

# $(call evaluate,OPTIONS): the models are measured on the prepared file that stands first; the picture beside the
# results shows what was measured.
define evaluate
$(INPAINT) evaluate --data $< $(CHECKPOINTS) $(1) $(LIMIT) --gpus $(GPUS) \
    --grid $(@:.json=.png) -o $@ --overwrite > /dev/null
endef
LIMIT_smoke = --limit 4
LIMIT_small =
LIMIT_paper =
LIMIT = $(LIMIT_$(SCALE))

# $(call show,OPTIONS): a figure has the models side by side, on the same images.
define show
$(INPAINT) evaluate --data $< $(CHECKPOINTS) $(1) --limit 8 --show 8 --grid $@ --overwrite > /dev/null
endef

# $(call departing,TABLE,RESULTS): what was measured of a figure's images stands beside it as that table has it; in what the
# models depart from the paper's is printed with the figure.
define departing
$(INPAINT) report table $(1) $(2) -o $(@:.png=.md) --overwrite
endef

# A table is made of the results that it names as what it stands on; REPORT are further options.
$(TABLES)/%.md:
	$(INPAINT) report table $* $^ $(REPORT) -o $@ --overwrite
