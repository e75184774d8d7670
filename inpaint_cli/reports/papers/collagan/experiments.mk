# Face Completion with Semantic Knowledge and Collaborative Adversarial Learning (Liao et al.)
#
# One model completes a face, labels its regions and finds its landmarks, and each task helps the others. Faces are
# CelebA's; a face-parser that has learned from CelebAMask-HQ gives them their label maps, and their landmarks where the
# list of them is not there. ../sii/experiments.mk trains sii-DATA, with which table 1 compares, and says what SEARCH
# and FEW are.

PARSER_smoke = --batch 4  --steps 4 --set width=4
PARSER_small = --batch 16 --steps 700
PARSER_paper =
PARSER = $(PARSER_$(SCALE))

# A parser after four steps finds no eyes: to prove the pipeline, faces that have label maps of their own will do.
FACES_128_smoke = celebamask-hq-128
FACES_128_small = celeba-128
FACES_128_paper = celeba-128
FACES_128 = $(FACES_128_$(SCALE))

# The paper's λ_adv of the image lets its discriminator rule so short a training: at 0.1 it completes 0.5 dB better.
COLLAGAN_smoke = --batch 4 --steps 2    --set width=4
COLLAGAN_small = --batch 8 --steps 1500 --set width=16 --set learning_rate=1e-3 --set ema=0.99 --set adversarial_i=0.1
COLLAGAN_paper =
COLLAGAN = --method collagan $(COLLAGAN_$(SCALE))

# Of two tasks λ_adv of landmarks is twice that of three, and rules so short a training: it takes one eye for the other.
# Weighed as they are alone they are found.
COLLAGAN_id_small = --set reconstruction_d=1000

AUGMENTED = --set shift=0.1 --set scale=0.15 --set rotation=15

CONTEXT_ENCODER_smoke = --batch 4 --steps 2    --set width=4
CONTEXT_ENCODER_small = --batch 8 --steps 2200 --set width=16 --set learning_rate=1e-3 --set ema=0.99 $(AUGMENTED)
CONTEXT_ENCODER_paper = $(AUGMENTED)
CONTEXT_ENCODER = --method context-encoder $(CONTEXT_ENCODER_$(SCALE))

GFC_smoke = --batch 4 --steps 2    --set width=4
GFC_small = --batch 8 --steps 1000 --set width=8  --set learning_rate=1e-3 --set ema=0.99 $(AUGMENTED) \
    --set unpooling=nearest --set reconstruction_share=0.7 --set local_share=0.15
GFC_paper = $(AUGMENTED)
GFC = --method gfc $(GFC_$(SCALE))

# ---- the data and the models of all tables and figures --------------------------------------------------------------

$(TABLES)/face-parser/.trained: $(TABLES)/celebamask-hq-128.h5
	$(call train,--method face-parser $(PARSER))

$(TABLES)/celeba-128.h5: $(call runs,face-parser)
PREPARE_celeba-128 = --parsing $(TABLES)/face-parser $(if $(wildcard $(DATA)/celeba/list_landmarks*),,--landmarks)

# A model is called by its tasks, as the paper's M_{i,s,d}, by star for the concentrated scheme, as its M*, and by its
# seed: isd-star-0.
NAME = $(subst -, ,$*)
TASKS_i = i
TASKS_s = s
TASKS_d = d
TASKS_is = i,s
TASKS_id = i,d
TASKS_isd = i,s,d

$(TABLES)/collagan-%/.trained: $(TABLES)/$(FACES_128).h5
	$(call train,$(COLLAGAN) --seed $(lastword $(NAME)) --set tasks=$(TASKS_$(firstword $(NAME))) \
	    --set concentrated=$(if $(filter star,$(NAME)),true,false) $(COLLAGAN_$(firstword $(NAME))_$(SCALE)))

$(TABLES)/context-encoder/.trained: $(TABLES)/$(FACES_128).h5
	$(call train,$(CONTEXT_ENCODER))

$(TABLES)/gfc/.trained: $(TABLES)/$(FACES_128).h5 $(call runs,face-parser)
	$(call train,$(GFC) --weights face-parser=$(TABLES)/face-parser)

# $(call seeded,MODELS): each with every seed.
seeded = $(foreach model,$(1),$(SEEDS:%=collagan-$(model)-%))

# ---- tables: a line is the average of a model's seeds ---------------------------------------------------------------

$(TABLES)/collagan-%.md: REPORT = --average-runs

table-collagan-1: ## faces completed at six places, beside other systems

PLACES = $(addprefix --masks face:,left-eye right-eye upper left-half right-half lower)

# Blended as the paper's results are; sii does that by itself.
$(TABLES)/collagan-1.json: $(TABLES)/$(FACES_128).h5 \
    $(call runs,context-encoder gfc $(call seeded,i) collagan-id-0 collagan-is-0 $(call seeded,isd isd-star))
	$(call evaluate,--compose poisson $(PLACES) $(FEW))

$(TABLES)/collagan-1-sii.json: $(TABLES)/$(FACES_128).h5 $(call runs,sii-$(FACES_128))
	$(call evaluate,$(PLACES) $(SEARCH) $(FEW))

$(TABLES)/collagan-1.md: $(TABLES)/collagan-1.json $(TABLES)/collagan-1-sii.json

table-collagan-2: ## labels of what is not seen

$(TABLES)/collagan-2.json: $(TABLES)/$(FACES_128).h5 $(call runs,collagan-s-0 collagan-is-0 $(call seeded,isd isd-star))
	$(call evaluate,--metrics dice --masks block:64)

$(TABLES)/collagan-2.md: $(TABLES)/collagan-2.json

table-collagan-3: ## landmarks of what is not seen

$(TABLES)/collagan-3.json: $(TABLES)/$(FACES_128).h5 $(call runs,collagan-d-0 collagan-id-0 $(call seeded,isd isd-star))
	$(call evaluate,--metrics landmarks --masks block:64)

$(TABLES)/collagan-3.md: $(TABLES)/collagan-3.json

# ---- figures --------------------------------------------------------------------------------------------------------

figure-collagan-4: ## more and more tasks

$(TABLES)/figure-collagan-4.png: $(TABLES)/$(FACES_128).h5 \
    $(call runs,collagan-i-0 collagan-is-0 collagan-id-0 collagan-isd-0 collagan-isd-star-0)
	$(call show,--masks block:64)

figure-collagan-5: ## beside other systems, behind blocks and patterns

$(TABLES)/figure-collagan-5.png: $(TABLES)/$(FACES_128).h5 $(call runs,collagan-isd-star-0 context-encoder gfc)
	$(call show,--compose poisson --masks block:64 --masks pattern:0.25)

figure-collagan-5-noise: ## behind noise, with models of their own

NOISE = --masks noise:0.8

$(TABLES)/collagan-noise/.trained: $(TABLES)/$(FACES_128).h5
	$(call train,$(COLLAGAN) $(NOISE))

$(TABLES)/context-encoder-noise/.trained: $(TABLES)/$(FACES_128).h5
	$(call train,$(CONTEXT_ENCODER) $(NOISE))

$(TABLES)/figure-collagan-5-noise.png: $(TABLES)/$(FACES_128).h5 $(call runs,collagan-noise context-encoder-noise)
	$(call show,--compose poisson $(NOISE))

figure-collagan-6: ## the last maps that all tasks share, of a model with three tasks and of one with completion alone

$(TABLES)/figure-collagan-6.png: $(TABLES)/$(FACES_128).h5 $(call runs,collagan-isd-0 collagan-i-0)
	$(INPAINT) data $< --split test --export $(TABLES)/faces --overwrite --quiet
	face=$$(ls $(TABLES)/faces/test/*.png | head -1) && for model in isd i; do \
	    $(INPAINT) complete $$face --mask face:both-eyes --checkpoint $(TABLES)/collagan-$$model-0 --overwrite --quiet \
	        -o $(TABLES)/faces/$$model.png --maps $(TABLES)/faces/maps-$$model.png || exit; done
	$(INPAINT) report grid $(foreach model,isd i,$(TABLES)/faces/$(model).png $(TABLES)/faces/maps-$(model).png) \
	    --columns 2 --rows "M_isd,M_i" -o $@ --overwrite
