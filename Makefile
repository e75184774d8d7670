# `make demo` and `make test` do all their own set-up. Variables can be given on the command line: make demo DEMO_STEPS=100
# The papers' tables: make table-mde-3 DATA=FOLDER SCALE=small GPUS=1

PYTHON     ?= python3
VENV       ?= .venv
DEMO       ?= demo
DEMO_STEPS ?= 1000

INPAINT = $(VENV)/bin/inpaint
READY   = $(VENV)/.ready

.DELETE_ON_ERROR:
.PHONY: help demo picture tables figures test lint benchmark clean
help:
	@echo "make demo       prepare, train, complete and evaluate on photographs that need no download; then look at $(DEMO)/"
	@echo "make tables     the papers' tables from DATA, at SCALE=smoke|small|paper, on GPUS=N; make table-NAME for one:"
	@echo "                $(TABLE_NAMES)"
	@echo "make figures    the papers' figures, in the same way; make figure-NAME for one:"
	@echo "                $(FIGURE_NAMES)"
	@echo "make picture    the README's first picture"
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
	    --sample-every 250 --set width=16 --set perceptual=0 --set hide_and_seek=none --set completion=20 \
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

picture: $(DEMO)/scene_inpaint.png
	$(VENV)/bin/python -m inpaint_cli.reports.demo picture $(DEMO)
	mkdir -p .github && cp $(DEMO)/picture.jpg .github/picture.jpg

# ---- the papers' tables ---------------------------------------------------------------------------------------------
# Each file is made by one command from the files before it: a trained model is not trained again, and a run that was
# stopped goes on. smoke: the demo's data and a few steps, to prove the pipeline; small: hours of a CPU or minutes of a
# GPU, on whatever part of the data is there; paper: the paper's protocol.

SCALE  ?= small
GPUS   ?= 1
DATA   ?=
TABLES ?= tables/$(SCALE)

TABLE_NAMES = mde-3 mde-figure-7 mde-figure-8 collagan-1 collagan-2 collagan-3 semantic-1 semantic-2 deep-1 \
    deep-bottleneck

FIGURE_NAMES = collagan-4 collagan-5 collagan-5-noise collagan-6 semantic-8 semantic-9 semantic-10 semantic-11 semantic-12 \
    semantic-digits deep-4 deep-5 deep-6 deep-8 deep-9 deep-11 deep-12

tables: $(TABLE_NAMES:%=table-%)
figures: $(FIGURE_NAMES:%=figure-%)
figure-%: $(TABLES)/figure-%.png
	@echo $<
table-%: $(TABLES)/%.md
	@cat $<
.SECONDARY:  # what stands between data and table is kept

# A prepared file: the recipe has its name, and DATA holds the folder that SOURCE_recipe names.
SOURCE_celeba-96 = celeba
SOURCE_celeba-128 = celeba
SOURCE_celebamask-hq-128 = celebamask_hq
SOURCE_celeba-64 = celeba
SOURCE_celeba-64-part = celeba
SOURCE_svhn-64 = svhn
SOURCE_cifar10-32 = cifar10
SOURCE_mnist-28 = mnist

$(TABLES)/%.h5: $(READY)
	mkdir -p $(@D)
ifeq ($(SCALE)$(DATA),smoke)
	$(INPAINT) prepare demo -o $@ --overwrite
else
	@test -n "$(DATA)" || { echo "say where the original files are: DATA=FOLDER, which holds $(SOURCE_$*)/" >&2; exit 2; }
	$(INPAINT) prepare $* --source "$(DATA)/$(SOURCE_$*)" $(PREPARE_$*) -o $@ --overwrite
endif

# A trained model: $(call run,NAME,RECIPE,ARGUMENTS), and what else it stands on.
define run
$(TABLES)/$(1)/.trained: $(TABLES)/$(2).h5 $(4)
	$$(INPAINT) train --data $$< --outdir $$(@D) --gpus $$(GPUS) $(3) --resume
	touch $$@
endef

# Figures of systems: $(call results,NAME,RECIPE,RUNS,ARGUMENTS); the grid beside shows what was measured.
define results
$(TABLES)/$(1).json: $(TABLES)/$(2).h5 $(3:%=$(TABLES)/%/.trained)
	$$(INPAINT) evaluate --data $$< $(3:%=--checkpoint $(TABLES)/%) $(4) $$(LIMIT_$$(SCALE)) --gpus $$(GPUS) \
	    --grid $$(@:.json=.png) -o $$@ --overwrite > /dev/null
endef

# A figure: $(call figure,NAME,RECIPE,RUNS,ARGUMENTS) shows the systems side by side on the same images.
define figure
$(TABLES)/figure-$(1).png: $(TABLES)/$(2).h5 $(3:%=$(TABLES)/%/.trained)
	$$(INPAINT) evaluate --data $$< $(3:%=--checkpoint $(TABLES)/%) $(4) --limit 8 --show 8 --grid $$@ --overwrite > /dev/null
endef

# A table is made of the results that it names as what it stands on.
$(TABLES)/%.md:
	$(INPAINT) report table $* $^ $(REPORT) -o $@ --overwrite

LIMIT_smoke = --limit 4

# Missing Data Encoder. A run's folder names its training masks, mde-rec-0.1 for rec:0.1, and what differs from the defaults.
MDE_smoke = --batch 4 --steps 4 --set width=8 --set perceptual=0
MDE_small = --batch 16 --steps 12000 --set width=24 --set perceptual=0 --set ema=0.999
MDE = --method mde $(MDE_$(SCALE))

# Table 3: targeted occlusions
OCCLUSIONS = right-half left-half both-eyes right-eye left-eye mouth
$(eval $(call run,mde-rec-0.1,celeba-96,$(MDE) --masks rec:0.1))
$(eval $(call results,mde-3,celeba-96,mde-rec-0.1,--method tv --method patch $(OCCLUSIONS:%=--masks face:%)))

# Figure 7: every way of training against every test. Hide-and-seek needs masks that vary, which two of them do not.
SETUPS = inpaint-0.25 reverse-0.25 colorize-1 colorize-2 $(foreach S,0.1 0.25 0.33 0.5,extrapolate-$(S) rec-$(S))
$(foreach setup,$(SETUPS),$(eval $(call run,mde-$(setup)-none,celeba-96,$(MDE) --masks $(subst -,:,$(setup)) --set hide_and_seek=none)))
$(eval $(call results,mde-figure-7,celeba-96,$(SETUPS:%=mde-%-none),$(foreach setup,$(SETUPS),--masks $(subst -,:,$(setup)))))

# Figure 8: what each loss gives. mde-rec-0.1 has the paper's choice, alt.
$(eval $(call run,mde-rec-0.1-completion,celeba-96,$(MDE) --masks rec:0.1 --set hide_and_seek=none --set adversarial=0 --set perceptual=0))
$(foreach game,coord rec,$(eval $(call run,mde-rec-0.1-$(game),celeba-96,$(MDE) --masks rec:0.1 --set hide_and_seek=$(game))))
LOSSES = mde-rec-0.1 $(addprefix mde-rec-0.1-,none completion coord rec)
$(eval $(call results,mde-figure-8,celeba-96,$(LOSSES),$(foreach S,0.1 0.25 0.33 0.5,--masks rec:$(S))))

# Latent searches, for tables of two papers: sii by the size of its images, how long is searched, and for how many images.
SII_smoke = --batch 4 --steps 2 --set width=4
SII_small = --batch 32 --steps 4000 --set width=32 --set ema=0.99
SII_128_small = --batch 16 --steps 3000 --set width=24 --set ema=0.99
SEARCH_smoke = --set search_steps=4 --set candidates=8
SEARCH_small = --set search_steps=128 --set restarts=2 --set candidates=256
FEW_small = --limit 200

# Collaborative GAN. A face-parser gives CelebA its label maps, and its landmarks where their list is not there. Where the
# paper's claims are tested at a small scale, three seeds say how much of a difference is chance.
PARSER_smoke = --batch 4 --steps 4 --set width=4
PARSER_small = --batch 16 --steps 700
$(eval $(call run,face-parser,celebamask-hq-128,--method face-parser $(PARSER_$(SCALE))))
PREPARE_celeba-128 = --parsing $(TABLES)/face-parser $(if $(wildcard $(DATA)/celeba/list_landmarks*),,--landmarks)
$(TABLES)/celeba-128.h5: $(TABLES)/face-parser/.trained

# A parser after four steps finds no eyes: to prove the pipeline, faces that have label maps of their own will do.
LABELLED_smoke = celebamask-hq-128
LABELLED = $(or $(LABELLED_$(SCALE)),celeba-128)
COLLAGAN_smoke = --batch 4 --steps 2 --set width=4
COLLAGAN_small = --batch 8 --steps 3000 --set width=16 --set learning_rate=1e-3 --set ema=0.99
AUGMENTED = --set shift=0.1 --set scale=0.15 --set rotation=15
CE_paper = $(AUGMENTED)
GFC_paper = $(AUGMENTED)
CE_smoke = --batch 4 --steps 2 --set width=4
CE_small = --batch 8 --steps 2200 --set width=16 --set learning_rate=1e-3 --set ema=0.99 $(AUGMENTED)
GFC_smoke = --batch 4 --steps 2 --set width=4
GFC_small = --batch 8 --steps 1000 --set width=8 --set unpooling=nearest --set learning_rate=1e-3 --set ema=0.99 \
    --set reconstruction_share=0.7 --set local_share=0.15 $(AUGMENTED)
SEEDS_small = 0 1 2
seeds = $(or $(if $(filter i isd isd-star,$(1)),$(SEEDS_$(SCALE))),0)

# A model's name is its tasks, as the paper's M_{i,s,d}; a star, as its M*, is the concentrated scheme.
comma = ,
empty =
tasks = $(subst $(empty) ,$(comma),$(strip $(foreach task,i s d,$(findstring $(task),$(1)))))
MODELS = i id is isd isd-star s d
$(foreach model,$(MODELS),$(foreach seed,$(call seeds,$(model)),$(eval $(call run,collagan-$(model)-$(seed),$(LABELLED),--method collagan \
    $(COLLAGAN_$(SCALE)) --seed $(seed) --set tasks=$(call tasks,$(firstword $(subst -, ,$(model)))) \
    --set concentrated=$(if $(findstring star,$(model)),true,false)))))
$(eval $(call run,sii-$(LABELLED),$(LABELLED),--method sii --masks block:64 $(or $(SII_128_$(SCALE)),$(SII_$(SCALE)))))
$(eval $(call run,context-encoder,$(LABELLED),--method context-encoder $(CE_$(SCALE))))
$(eval $(call run,gfc,$(LABELLED),--method gfc --weights face-parser=$(TABLES)/face-parser $(GFC_$(SCALE)),$(TABLES)/face-parser/.trained))
of_seeds = $(foreach model,$(1),$(addprefix collagan-$(model)-,$(call seeds,$(model))))

# Table 1 is blended as the paper's is (sii does that by itself); 2 and 3 say what else a model knows of what it does not
# see.
PLACES = left-eye right-eye upper left-half right-half lower
$(eval $(call results,collagan-1,$(LABELLED),context-encoder gfc $(call of_seeds,i id is isd isd-star),--compose poisson $(PLACES:%=--masks face:%) $(FEW_$(SCALE))))
$(eval $(call results,collagan-1-sii,$(LABELLED),sii-$(LABELLED),$(PLACES:%=--masks face:%) $(SEARCH_$(SCALE)) $(FEW_$(SCALE))))
$(TABLES)/collagan-1.md: $(TABLES)/collagan-1.json $(TABLES)/collagan-1-sii.json
$(eval $(call results,collagan-2,$(LABELLED),$(call of_seeds,s is isd isd-star),--metrics dice --masks block:64))
$(eval $(call results,collagan-3,$(LABELLED),$(call of_seeds,d id isd isd-star),--metrics landmarks --masks block:64))
$(TABLES)/collagan-%.md: REPORT = --average-runs

# Figure 4: more and more tasks; 5: other systems, behind blocks and patterns, and models of their own behind noise.
NOISE = --masks noise:0.8
$(eval $(call figure,collagan-4,$(LABELLED),$(patsubst %,collagan-%-0,i is id isd isd-star),--masks block:64))
$(eval $(call figure,collagan-5,$(LABELLED),collagan-isd-star-0 context-encoder gfc,--compose poisson --masks block:64 --masks pattern:0.25))
$(eval $(call run,collagan-noise,$(LABELLED),--method collagan $(COLLAGAN_$(SCALE)) $(NOISE)))
$(eval $(call run,context-encoder-noise,$(LABELLED),--method context-encoder $(CE_$(SCALE)) $(NOISE)))
$(eval $(call figure,collagan-5-noise,$(LABELLED),collagan-noise context-encoder-noise,--compose poisson $(NOISE)))

# Figure 6: the last maps that all tasks share, of a model with three tasks and of one with completion alone.
$(TABLES)/figure-collagan-6.png: $(TABLES)/$(LABELLED).h5 $(TABLES)/collagan-isd-0/.trained $(TABLES)/collagan-i-0/.trained
	$(INPAINT) data $< --split test --export $(TABLES)/faces --overwrite --quiet
	face=$$(ls $(TABLES)/faces/test/*.png | head -1) && for model in isd i; do \
	    $(INPAINT) complete $$face --mask face:both-eyes --checkpoint $(TABLES)/collagan-$$model-0 --overwrite --quiet \
	        -o $(TABLES)/faces/$$model.png --maps $(TABLES)/faces/maps-$$model.png || exit; done
	$(INPAINT) report grid $(foreach model,isd i,$(TABLES)/faces/$(model).png $(TABLES)/faces/maps-$(model).png) \
	    --columns 2 --rows "M_isd$(comma)M_i" -o $@ --overwrite

# Semantic completion by latent search. One model of each kind for each data set; how the energy is weighed is set when
# images are completed: alpha-beta-eta. The small scale has a part of CelebA, and SVHN where DATA has it.
SEMANTIC_smoke = --batch 4 --steps 2 --set width=4
SEMANTIC_small = --batch 16 --steps 3000 --set width=16 --set patch_blocks=2 --set critic_steps=2 --set penalty_share=0.25 \
    --set learning_rate=3e-4 --set ema=0.99
FACES_paper = celeba-64
FACES = $(or $(FACES_$(SCALE)),celeba-64-part)
SEARCHED = $(FACES) $(if $(filter paper,$(SCALE))$(wildcard $(DATA)/svhn),svhn-64)
WEIGHTS = 0.1-0.9-1.0 0.5-0.5-1.0 0.1-0.9-0.5 0.5-0.5-0.5
weighed = $(addprefix --set ,$(join alpha= beta= eta=,$(subst -, ,$(1))))
MASKS_1 = center:32
MASKS_2 = squares:3
$(foreach data,$(FACES) svhn-64,$(eval $(call run,semantic-$(data),$(data),--method semantic $(SEMANTIC_$(SCALE)))))
$(foreach data,$(FACES) svhn-64,$(eval $(call run,sii-$(data),$(data),--method sii $(SII_$(SCALE)))))
$(foreach data,$(SEARCHED),$(foreach table,1 2,\
    $(eval $(call results,semantic-$(table)-$(data)-sii,$(data),sii-$(data),--masks $(MASKS_$(table)) $(SEARCH_$(SCALE)) $(FEW_$(SCALE))))\
    $(foreach w,$(WEIGHTS),\
        $(eval $(call results,semantic-$(table)-$(data)-sii-$(w),$(data),sii-$(data),--masks $(MASKS_$(table)) $(SEARCH_$(SCALE)) $(FEW_$(SCALE)) \
            --set gradient_loss=true $(call weighed,$(w))))\
        $(eval $(call results,semantic-$(table)-$(data)-semantic-$(w),$(data),semantic-$(data),--masks $(MASKS_$(table)) \
            $(SEARCH_$(SCALE)) $(FEW_$(SCALE)) $(call weighed,$(w)))))))
$(foreach table,1 2,$(eval $(TABLES)/semantic-$(table).md: $(foreach data,$(SEARCHED),\
    $(addprefix $(TABLES)/semantic-$(table)-$(data)-,$(addsuffix .json,sii $(WEIGHTS:%=sii-%) $(WEIGHTS:%=semantic-%))))))

# Figures 8 and 9: both methods, both masks, faces and house numbers; digits, which the paper does not have; 10: a model of
# a larger size; 11: where it fails.
BOTH = $(foreach table,1 2,--masks $(MASKS_$(table))) $(SEARCH_$(SCALE))
$(eval $(call figure,semantic-8,$(FACES),semantic-$(FACES) sii-$(FACES),$(BOTH)))
$(eval $(call figure,semantic-9,svhn-64,semantic-svhn-64 sii-svhn-64,$(BOTH)))
$(eval $(call run,semantic-mnist-28,mnist-28,--method semantic --masks center:14 $(SEMANTIC_$(SCALE))))
$(eval $(call figure,semantic-digits,mnist-28,semantic-mnist-28,--masks center:14 $(SEARCH_$(SCALE))))
$(eval $(call run,semantic-128,celeba-128-center,--method semantic --masks block:64 $(SEMANTIC_$(SCALE))))
$(eval $(call figure,semantic-10,celeba-128-center,semantic-128,--masks block:64 --masks pattern:0.25 $(BOTH)))

$(TABLES)/figure-semantic-11.png: $(TABLES)/semantic-1-$(FACES)-semantic-0.1-0.9-0.5.json
	cp $(<:.json=.png) $@

# Figure 12: the eyes of the faces in the first column given to those in the first row; below, completion without them.
$(TABLES)/figure-semantic-12.png: $(TABLES)/$(FACES).h5 $(TABLES)/semantic-$(FACES)/.trained
	$(INPAINT) data $< --split test --export $(TABLES)/cells --overwrite --quiet
	cd $(TABLES)/cells && faces=$$(ls test/*.png | head -4) && others=$$(ls test/*.png | tail -3) && \
	row="blank $$faces" && for other in $$others none; do row="$$row $$(echo $$other | sed s/none/blank/)"; \
	    for face in $$faces; do cell=$$(basename $$other .png)-$$(basename $$face); row="$$row $$cell"; \
	    $(abspath $(VENV))/bin/inpaint complete $$face --mask face:both-eyes --checkpoint $(abspath $(TABLES))/semantic-$(FACES) \
	        $$(test $$other = none || echo --reference $$other) $(SEARCH_$(SCALE)) \
	        -o $$cell --overwrite --quiet || exit; done; done && \
	$(abspath $(VENV))/bin/inpaint report grid $$row --columns 5 -o $(abspath $@) --overwrite

# Deep inpainting on CIFAR10.
DEEP_smoke = --batch 4 --steps 2 --set width=8
DEEP_small = --batch 32 --steps 1200 --set width=16 --set dropout=0 --set hue=0 --set saturation=0 --set contrast=0 --set blur=0 \
    --set ema=0.99
JUDGED_small = $(DEEP_small) --set alpha=0.5 --set discriminator_width=8
GAN_small = $(JUDGED_small) --set judges=patch --set discriminator_learning_rate=1e-3
WGAN_small = $(JUDGED_small) --set critic_steps=3 --set discriminator_learning_rate=5e-4
PIXEL_smoke = --batch 4 --steps 2 --set width=4
PIXEL_small = --batch 8 --steps 3600 --set dropout=0 --set learning_rate=1e-2
$(foreach size,256 512 1000 2000,$(eval $(call run,deep-l2-$(size),cifar10-32,--method deep-l2 $(DEEP_$(SCALE)) --set bottleneck=$(size))))
$(eval $(call run,deep-gan,cifar10-32,--method deep-gan $(or $(GAN_$(SCALE)),$(DEEP_$(SCALE)))))
$(eval $(call run,deep-wgan,cifar10-32,--method deep-wgan $(or $(WGAN_$(SCALE)),$(DEEP_$(SCALE)))))
$(eval $(call run,deep-l2-no-overlap,cifar10-32,--method deep-l2 $(DEEP_$(SCALE)) --set overlap=0))
$(eval $(call run,deep-wgan-no-overlap,cifar10-32,--method deep-wgan $(or $(WGAN_$(SCALE)),$(DEEP_$(SCALE))) --set overlap=0))
RECURRENT_smoke = --batch 2 --steps 2 --set hidden=4
RECURRENT_small = --batch 8 --set learning_rate=3e-3
LAYERS_smoke = --set layers=1 --set head=12
LAYERS_small = --set hidden=24 --set layers=2 --set head=96
LENGTH_small = --steps 400
$(eval $(call run,pixelcnn,cifar10-32,--method pixelcnn $(PIXEL_$(SCALE))))
RECURRENT = $(RECURRENT_$(SCALE)) $(LENGTH_$(SCALE))
$(eval $(call run,flattened-row-lstm,cifar10-32,--method flattened-row-lstm $(RECURRENT)))
$(foreach method,row-lstm diagonal-bilstm,$(eval $(call run,$(method),cifar10-32,--method $(method) $(RECURRENT) $(LAYERS_$(SCALE)))))

HOLE = --masks center:8 --metrics default --metrics seam
$(eval $(call results,deep-1,cifar10-32,deep-l2-512 deep-gan deep-wgan pixelcnn flattened-row-lstm row-lstm diagonal-bilstm,$(HOLE)))
$(foreach split,train validation,$(eval $(call results,deep-bottleneck-$(split),cifar10-32,\
    $(addprefix deep-l2-,256 512 1000 2000),$(HOLE) --split $(split))))
$(TABLES)/deep-1.md: $(TABLES)/deep-1.json
$(TABLES)/deep-bottleneck.md: $(TABLES)/deep-bottleneck-train.json $(TABLES)/deep-bottleneck-validation.json

# Figures 4, 5, 9, 11 and 12 show what each kind of model makes; 6 the overlap trick, without and with; 8 a pixel's distributions.
$(eval $(call figure,deep-4,cifar10-32,deep-l2-512,--masks center:8))
$(eval $(call figure,deep-5,cifar10-32,deep-gan,--masks center:8))
$(eval $(call figure,deep-6,cifar10-32,deep-l2-no-overlap deep-l2-512 deep-wgan-no-overlap deep-wgan,--masks center:8))
$(eval $(call figure,deep-9,cifar10-32,pixelcnn,--masks center:8))
$(eval $(call figure,deep-11,cifar10-32,flattened-row-lstm,--masks center:8))
$(eval $(call figure,deep-12,cifar10-32,deep-wgan,--masks center:8))
figure-deep-8: $(TABLES)/figure-deep-8.svg
	@echo $<
$(TABLES)/figure-deep-8.svg: $(TABLES)/cifar10-32.h5 $(TABLES)/pixelcnn/.trained
	$(INPAINT) report probabilities $(TABLES)/pixelcnn --data $< --pixel 15,15 -o $@ --overwrite

$(TABLES)/mde-3.md: $(TABLES)/mde-3.json
$(TABLES)/mde-figure-7.md: $(TABLES)/mde-figure-7.json
$(TABLES)/mde-figure-8.md: $(TABLES)/mde-figure-8.json
$(foreach number,1 2 3,$(eval $(TABLES)/collagan-$(number).md: $(TABLES)/collagan-$(number).json))

# ---- checks -------------------------------------------------------------------------------------------------------

test: $(READY)
	$(VENV)/bin/python -m pytest -m 'not benchmark'

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

benchmark: $(READY)
	$(VENV)/bin/python -m pytest -m benchmark -s

clean:
	rm -rf $(VENV) $(DEMO) tables
