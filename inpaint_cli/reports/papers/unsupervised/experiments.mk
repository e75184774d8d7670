# Unsupervised Adversarial Image Inpainting (Pajot, de Bézenac, Gallinari)
#
# Models that learn from observations alone, and some that see more, behind three corruptions. A run's folder names what
# it is, its corruption and its seed, unsupervised-both-noise-0.9-0 for noise:0.9. Below 128×128 patches know the share
# that they know there: these corruptions are ours, and stand in the table as such.
#
# OBSERVED=mnist-32 has digits in the place of faces, and its tables in a folder of their own.

LEARNED_smoke = celeba-64-center
LEARNED_small = celeba-64-center
LEARNED_paper = celeba-128-center
LEARNED = $(or $(OBSERVED),$(LEARNED_$(SCALE)))
SMOKE_celeba-64-center = --size 64
SMOKE_mnist-32 = --size 32

# small: a model of half the width and twice the rates, 1e-3, is after 500 steps where one of width 32 is after 676: with
# dropped pixels its MSE is 0.088 in place of 0.087, in 60 % of the time; at 5e-4 it is 0.104.
LEARNS_smoke = --batch 4 --steps 2 --set width=8 --set discriminator_width=4
LEARNS_small = --batch 16 --steps 400 --set width=16 --set discriminator_width=8 --set ema=0.99
LEARNS_paper =
LEARNS = $(LEARNS_$(SCALE)) --seed $(lastword $(NAME))

UNSUPERVISED_smoke = --set encoder_width=4
UNSUPERVISED_small = --set encoder_width=8 --set learning_rate=1e-3 --set discriminator_learning_rate=1e-3
UNSUPERVISED_paper =
# A step of MisGAN, five of its critics, takes 12 times as long: these take twice as long as the others.
MISGAN_small = --steps 60 --set learning_rate=5e-4 --set imputer_learning_rate=1e-3
UNSUPERVISED = --method unsupervised $(LEARNS) $(UNSUPERVISED_$(SCALE)) --masks $(OWN)

ONE_celeba-128-center = patches-1-32
ONE_celeba-64-center = patches-1-16
ONE_mnist-32 = patches-1-8
MANY_celeba-128-center = patches-90-10
MANY_celeba-64-center = patches-90-5
MANY_mnist-32 = patches-14-5
MANY = $(MANY_$(LEARNED))
DROPPED = noise-0.9
CORRUPTIONS = $(ONE_$(LEARNED)) $(MANY) $(DROPPED)

# The corruption that % names, as the program takes it.
corrupted = $(subst -,$(comma),$(patsubst patches-%,patches:%,$(patsubst noise-%,noise:%,$(1))))
OWN = $(strip $(foreach each,$(CORRUPTIONS),$(if $(findstring -$(each)-,-$*-),$(call corrupted,$(each)))))

# ---- models: % is the corruption and the seed -----------------------------------------------------------------------

$(TABLES)/unsupervised-neither-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set encode_z=false --set encode_y=false)

$(TABLES)/unsupervised-z-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set encode_z=true --set encode_y=false)

$(TABLES)/unsupervised-y-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set encode_z=false --set encode_y=true)

$(TABLES)/unsupervised-both-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set encode_z=true --set encode_y=true)

$(TABLES)/unsupervised-unpaired-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set supervision=unpaired)

$(TABLES)/unsupervised-paired-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,$(UNSUPERVISED) --set supervision=paired)

$(TABLES)/misgan-%/.trained: $(TABLES)/$(LEARNED).h5
	$(call train,--method misgan $(LEARNS) $(MISGAN_$(SCALE)) --masks $(OWN))

# ---- results: FID=1 also measures the FID of what was not measured yet; without its weights it says what to fetch ------

DIVERSE = --metrics mse,inner,diversity$(if $(FID),$(comma)fid) --samples 10
FIRST_1000_small = --limit 1000
FIRST_1000 = $(FIRST_1000_$(SCALE))

$(TABLES)/unsupervised-%.json: $(TABLES)/$(LEARNED).h5 $(TABLES)/unsupervised-%/.trained
	$(call evaluate,--masks $(OWN) $(DIVERSE) $(FIRST_1000))

$(TABLES)/misgan-%.json: $(TABLES)/$(LEARNED).h5 $(TABLES)/misgan-%/.trained
	$(call evaluate,--masks $(OWN) $(DIVERSE) $(FIRST_1000))

# The mean of the training images, and total variation: a normalised blur has a smaller error than some printed figures.
$(TABLES)/mean-image/card.json: $(TABLES)/$(LEARNED).h5
	$(VENV)/bin/python -m inpaint_cli.jobs.sets.mean_image $< $(@D)

$(TABLES)/unsupervised-blind-%.json: $(TABLES)/$(LEARNED).h5 $(TABLES)/mean-image/card.json
	$(call evaluate,--masks $(OWN) --method tv --completed "mean image=$(TABLES)/mean-image" \
	    --metrics mse$(comma)inner $(FIRST_1000))

# ---- tables: a line is the average of a system's seeds --------------------------------------------------------------

$(TABLES)/unsupervised-%.md: REPORT = --average-runs

# $(call measured_of,MODELS,SEEDS): behind each corruption.
measured_of = $(foreach own,$(CORRUPTIONS),$(foreach model,$(1),$(2:%=$(TABLES)/$(model)-$(own)-%.json)))
BLIND = $(CORRUPTIONS:%=$(TABLES)/unsupervised-blind-%.json)

table-unsupervised-1: ## what each auxiliary loss gives

$(TABLES)/unsupervised-1.md: $(call measured_of,$(addprefix unsupervised-,neither z y both),$(SEEDS)) $(BLIND)

table-unsupervised-2: ## learning from observations alone beside its supervised variants and MisGAN

$(TABLES)/unsupervised-2.md: $(call measured_of,unsupervised-unpaired unsupervised-paired misgan,0) \
    $(call measured_of,unsupervised-both,$(SEEDS)) $(BLIND)

# ---- figures: observations, and below each its completions by one z in a row, as the end of training drew them -------

define last_samples
cp "$$(ls $(<D)/samples/*.png | tail -1)" $@
endef

figure-unsupervised-4: ## patches completed

$(TABLES)/figure-unsupervised-4.png: $(TABLES)/unsupervised-both-$(MANY)-0/.trained
	$(last_samples)

figure-unsupervised-5: ## dropped pixels completed

$(TABLES)/figure-unsupervised-5.png: $(TABLES)/unsupervised-both-$(DROPPED)-0/.trained
	$(last_samples)
