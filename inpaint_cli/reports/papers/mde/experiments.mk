# The Missing Data Encoder (Dapogny, Cord, Perez)
#
# One network learns to complete what any of five processes leave of a face. A run's folder names what differs from the
# method's defaults, and its training masks, mde-rec-0.1 for rec:0.1; where these are many, its seed, too.
#
# small, of one core: a model takes some four minutes, the thirty of table 1 take two hours; --resume spreads them over
# days. Its generator is the lighter one, which in equal time is no worse: behind both eyes, the mouth and a half of faces of
# 128×128 figure 4's has 15.87, 18.52 and 16.30 dB after 700 steps, the lighter one 16.09, 18.78 and 16.19 after 1,800.

MDE_smoke = --batch 4  --steps 4     --set width=8  --set perceptual=0
MDE_small = --batch 16 --steps 2000  --set width=16 --set generator=strided --set perceptual=0 \
    --set learning_rate=1e-3 --set ema=0.99
MDE_paper =
MDE = --method mde $(MDE_$(SCALE))

# Models that differ by their masks alone: none of them played hide-and-seek, which three cannot. % is masks and seed.
SEED = $(lastword $(subst -, ,$*))
MASKED = $(MDE) --set hide_and_seek=none --masks $(subst -,:,$(*:%-$(SEED)=%)) --seed $(SEED)

$(TABLES)/mde-none-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MASKED))

# The tables 1 and 2 and the inception score need labels. Where CelebA's list of landmarks is not among the files, the parser
# that comes with the package finds them.
PREPARE_celeba-96 = $(if $(wildcard $(DATA)/celeba/list_landmarks*),,--parsing face-parser --landmarks)

table-mde-1: ## what each masking teaches: landmarks and attributes from the encoder's features

TRANSFER_smoke = --steps 4 --batch 4
TRANSFER_small = --steps 1000
TRANSFER_paper =
TRANSFER = $(TRANSFER_$(SCALE))

# Tuned and frozen, since the paper does not say which. Random weights are those of the same network.
$(TABLES)/mde-tuned-random-%/.trained: $(TABLES)/celeba-96.h5 $(TABLES)/mde-none-rec-0.1-%/.trained
	$(call transfer,$(TRANSFER) --seed $(SEED) --untrained)

$(TABLES)/mde-frozen-random-%/.trained: $(TABLES)/celeba-96.h5 $(TABLES)/mde-none-rec-0.1-%/.trained
	$(call transfer,$(TRANSFER) --seed $(SEED) --untrained --frozen)

$(TABLES)/mde-tuned-%/.trained: $(TABLES)/celeba-96.h5 $(TABLES)/mde-none-%/.trained
	$(call transfer,$(TRANSFER) --seed $(SEED))

$(TABLES)/mde-frozen-%/.trained: $(TABLES)/celeba-96.h5 $(TABLES)/mde-none-%/.trained
	$(call transfer,$(TRANSFER) --seed $(SEED) --frozen)

TAUGHT = random colorize-1 colorize-2 inpaint-0.25 reverse-0.25 extrapolate-0.25 extrapolate-0.33 extrapolate-0.5 \
    rec-0.1 rec-0.3 rec-0.5

# $(call with_every_seed,MODELS): tuned and frozen, with every seed.
with_every_seed = $(call runs,$(foreach way,tuned frozen,$(foreach model,$(1),$(SEEDS:%=mde-$(way)-$(model)-%))))

$(TABLES)/mde-1.json: $(TABLES)/celeba-96.h5 $(call with_every_seed,$(TAUGHT))
	$(call evaluate,--masks none --metrics attributes$(comma)landmarks)

# A line is the average of its seeds.
$(TABLES)/mde-1.md: REPORT = --average-runs
$(TABLES)/mde-1.md: $(TABLES)/mde-1.json

table-mde-classes: ## not in the paper: classes of CIFAR10 from the encoder's features

$(TABLES)/mde-classes-none-%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,$(MASKED))

CLASSES = $(TRANSFER) --seed $(SEED) --targets labels

$(TABLES)/mde-tuned-classes-random-%/.trained: $(TABLES)/cifar10-32.h5 $(TABLES)/mde-classes-none-rec-0.3-%/.trained
	$(call transfer,$(CLASSES) --untrained)

$(TABLES)/mde-frozen-classes-random-%/.trained: $(TABLES)/cifar10-32.h5 $(TABLES)/mde-classes-none-rec-0.3-%/.trained
	$(call transfer,$(CLASSES) --untrained --frozen)

$(TABLES)/mde-tuned-classes-%/.trained: $(TABLES)/cifar10-32.h5 $(TABLES)/mde-classes-none-%/.trained
	$(call transfer,$(CLASSES))

$(TABLES)/mde-frozen-classes-%/.trained: $(TABLES)/cifar10-32.h5 $(TABLES)/mde-classes-none-%/.trained
	$(call transfer,$(CLASSES) --frozen)

$(TABLES)/mde-classes.json: $(TABLES)/cifar10-32.h5 \
    $(call with_every_seed,$(addprefix classes-,random inpaint-0.25 extrapolate-0.33 rec-0.3))
	$(call evaluate,--masks none --metrics labels)

$(TABLES)/mde-classes.md: REPORT = --average-runs
$(TABLES)/mde-classes.md: $(TABLES)/mde-classes.json

table-mde-2: ## attributes after ten times as many updates, beside supervised systems

# "MDE-REC trained with 50 000 updates" is read as those of the transfer, of which table 1 has 5,000.
LONGER_smoke = --steps 6 --batch 4
LONGER_small = --steps 3000
LONGER_paper = --steps 50000

$(TABLES)/mde-rec-0.5/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.5)

$(TABLES)/mde-rec-0.5-longer/.trained: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.5)
	$(call transfer,--targets attributes $(LONGER_$(SCALE)))

$(TABLES)/mde-2.json: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.5-longer)
	$(call evaluate,--masks none --metrics attributes)

$(TABLES)/mde-2.md: $(TABLES)/mde-2.json

table-mde-3: ## targeted occlusions of faces

OCCLUSIONS = right-half left-half both-eyes right-eye left-eye mouth

# By seed, as the two that it is compared with.
$(TABLES)/mde-rec-0.1-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1 --seed $*)

# Both as in the collagan paper's tables, at 96×96 with a hole of half the side; the parsing loss of GFC would need a
# parser of this size.
$(TABLES)/context-encoder-96-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(CONTEXT_ENCODER) --masks block:48 --seed $*)

$(TABLES)/gfc-96-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(GFC) --masks block:48 --set parsing=0 --seed $*)

COMPLETING = $(call runs,$(foreach model,mde-rec-0.1 context-encoder-96 gfc-96,$(SEEDS:%=$(model)-%)))

# Inception scores through a classifier of identities that is trained here, from random weights; VGG-Face, which the paper
# takes, is another: SCORE="--metrics default,inception-score --weights classifier=vgg_face.safetensors".
$(TABLES)/face-classifier/.learned: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.1-0)
	$(call transfer,--untrained --targets labels $(LONGER_$(SCALE)))

CLASSIFIED = --metrics default$(comma)inception-score --weights classifier=$(TABLES)/face-classifier
SCORE_smoke =
SCORE_small = $(CLASSIFIED)
SCORE_paper = $(CLASSIFIED)
SCORE = $(SCORE_$(SCALE))
SCORED = $(if $(SCORE),$(TABLES)/face-classifier/.learned)

$(TABLES)/mde-3.json: $(TABLES)/celeba-96.h5 $(COMPLETING) | $(SCORED)
	$(call evaluate,$(SCORE) --method tv --method patch $(OCCLUSIONS:%=--masks face:%))

# The print's row of MDE hardly depends on the size of the hole: it is of the network's own output.
$(TABLES)/mde-3-output.json: $(TABLES)/celeba-96.h5 $(COMPLETING) | $(SCORED)
	$(call evaluate,$(SCORE) --compose output $(OCCLUSIONS:%=--masks face:%))

$(TABLES)/mde-3.md: REPORT = --average-runs
$(TABLES)/mde-3.md: $(TABLES)/mde-3.json $(TABLES)/mde-3-output.json

table-mde-figure-7: ## every way of training against every test

SIDES  = 0.1 0.25 0.33 0.5
SETUPS = inpaint-0.25 reverse-0.25 colorize-1 colorize-2 $(foreach side,$(SIDES),extrapolate-$(side) rec-$(side))

$(TABLES)/mde-figure-7.json: $(TABLES)/celeba-96.h5 $(call runs,$(SETUPS:%=mde-none-%-0)) | $(SCORED)
	$(call evaluate,$(SCORE) $(addprefix --masks ,$(subst -,:,$(SETUPS))))

$(TABLES)/mde-figure-7.md: $(TABLES)/mde-figure-7.json

table-mde-figure-8: ## what each loss gives

# mde-rec-0.1-0 plays hide-and-seek as the paper does (alt), coord and rec in other ways; none does not play, completion
# has that loss alone.
LOSSES = mde-rec-0.1-0 mde-none-rec-0.1-0 mde-rec-0.1-completion mde-rec-0.1-coord mde-rec-0.1-rec

$(TABLES)/mde-rec-0.1-completion/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1 --set hide_and_seek=none --set adversarial=0 --set perceptual=0)

$(call runs,mde-rec-0.1-coord mde-rec-0.1-rec): $(TABLES)/mde-rec-0.1-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1 --set hide_and_seek=$*)

$(TABLES)/mde-figure-8.json: $(TABLES)/celeba-96.h5 $(call runs,$(LOSSES)) | $(SCORED)
	$(call evaluate,$(SCORE) $(SIDES:%=--masks rec:%))

$(TABLES)/mde-figure-8.md: $(TABLES)/mde-figure-8.json

# ---- figures --------------------------------------------------------------------------------------------------------

figure-mde-1: ## what each loss makes of the same fragments

$(TABLES)/figure-mde-1.png: $(TABLES)/celeba-96.h5 $(call runs,$(LOSSES))
	$(call show,--masks rec:0.1 -o $(@:.png=.json))
	$(call departing,mde-figure-8,$(@:.png=.json))

figure-mde-3: ## what each masking leaves of an image

SHOWN = inpaint-0.25 reverse-0.25 colorize-1 extrapolate-0.25 rec-0.25

$(TABLES)/figure-mde-3.png: $(READY)
	mkdir -p $(TABLES)/masks
	$(foreach masks,$(SHOWN),$(INPAINT) masks $(subst -,:,$(masks)) --count 6 -o $(TABLES)/masks/$(masks).png \
	    --overwrite > /dev/null &&) true
	$(INPAINT) report grid $(SHOWN:%=$(TABLES)/masks/%.png) --columns 1 \
	    --rows "$(subst $(space),$(comma),$(subst -,:,$(SHOWN)))" -o $@ --overwrite

figure-mde-5: ## completed faces, from the fragments that each model was trained on
figure-mde-5-flowers: ## the same of flowers
figure-mde-5-digits: ## the same of digits

# $(call fragments,MODELS,MASKS,TABLE,OPTIONS): the models of these masks behind them, one below the other.
define fragments
mkdir -p $(@:.png=)
$(foreach masks,$(2),$(INPAINT) evaluate --data $< --checkpoint $(TABLES)/$(1)-none-$(masks)-0 --masks $(subst -,:,$(masks)) \
    --compose output $(4) --limit 8 --show 8 --grid $(@:.png=)/$(masks).png -o $(@:.png=)/$(masks).json \
    --overwrite > /dev/null &&) true
$(call departing,$(3),$(2:%=$(@:.png=)/%.json))
$(INPAINT) report grid $(2:%=$(@:.png=)/%.png) --columns 1 -o $@ --overwrite
endef

FACES_FROM = reverse-0.25 extrapolate-0.33 rec-0.1
FLOWERS_FROM = reverse-0.25 extrapolate-0.33 rec-0.2
DIGITS_FROM = extrapolate-0.25

$(TABLES)/mde-flowers-none-%/.trained: $(TABLES)/oxford102-96.h5
	$(call train,$(MASKED))

$(TABLES)/mde-digits-none-%/.trained: $(TABLES)/mnist-96.h5
	$(call train,$(MASKED))

$(TABLES)/figure-mde-5.png: $(TABLES)/celeba-96.h5 $(call runs,$(FACES_FROM:%=mde-none-%-0))
	$(call fragments,mde,$(FACES_FROM),mde-figure-5)

$(TABLES)/figure-mde-5-flowers.png: $(TABLES)/oxford102-96.h5 $(call runs,$(FLOWERS_FROM:%=mde-flowers-none-%-0))
	$(call fragments,mde-flowers,$(FLOWERS_FROM),mde-figure-5-flowers,--split validation)

$(TABLES)/figure-mde-5-digits.png: $(TABLES)/mnist-96.h5 $(call runs,$(DIGITS_FROM:%=mde-digits-none-%-0))
	$(call fragments,mde-digits,$(DIGITS_FROM),mde-figure-5-digits)

figure-mde-6: ## five completions of each image, behind masks drawn five times

DRAWN = 0 1 2 3 4

$(TABLES)/figure-mde-6.png: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.1-0)
	mkdir -p $(@:.png=)
	$(foreach seed,$(DRAWN),$(INPAINT) evaluate --data $< --checkpoint $(TABLES)/mde-rec-0.1-0 --masks rec:0.1 --seed $(seed) \
	    --compose output --limit 8 --show 8 --grid $(@:.png=)/$(seed).png -o $(@:.png=)/$(seed).json \
	    --overwrite > /dev/null &&) true
	$(call departing,mde-figure-8,$(@:.png=)/$(firstword $(DRAWN)).json)
	$(INPAINT) report grid $(DRAWN:%=$(@:.png=)/%.png) --columns 1 -o $@ --overwrite

figure-mde-7: ## every way of training against every test, as heat maps

$(TABLES)/figure-mde-7.png: $(TABLES)/mde-figure-7.json
	$(call departing,mde-figure-7,$<)
	$(INPAINT) report chart mde-figure-7 $< -o $@ --overwrite > /dev/null

figure-mde-8: ## what each loss gives, from small fragments to large ones

$(TABLES)/figure-mde-8.png: $(TABLES)/mde-figure-8.json
	$(call departing,mde-figure-8,$<)
	$(INPAINT) report chart mde-figure-8 $< --kind lines -o $@ --overwrite > /dev/null
