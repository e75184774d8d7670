# Unsupervised Adversarial Image Inpainting (Pajot, de Bézenac, Gallinari)
#
# Models that learn from observations alone, and some that see more, behind three corruptions. A run's folder names what
# it is and its corruption, unsupervised-both-noise-0.9 for noise:0.9. At 64×64 patches know the share that they know at
# 128×128: these corruptions are ours, and stand in the table as such.

OBSERVED_smoke = celeba-64-center
OBSERVED_small = celeba-64-center
OBSERVED_paper = celeba-128-center
OBSERVED = $(OBSERVED_$(SCALE))
SMOKE_celeba-64-center = --size 64

LEARNS_smoke = --batch 4 --steps 2 --set width=8 --set discriminator_width=4
LEARNS_small = --batch 16 --steps 4000 --set width=32 --set discriminator_width=16 --set ema=0.99
LEARNS_paper =
LEARNS = $(LEARNS_$(SCALE))

UNSUPERVISED_smoke = --set encoder_width=4
UNSUPERVISED_small = --set encoder_width=16 --set learning_rate=3e-4 --set discriminator_learning_rate=3e-4
UNSUPERVISED_paper =
UNSUPERVISED = --method unsupervised $(LEARNS) $(UNSUPERVISED_$(SCALE))

ONE_smoke = patches-1-16
ONE_small = patches-1-16
ONE_paper = patches-1-32
MANY_smoke = patches-90-5
MANY_small = patches-90-5
MANY_paper = patches-90-10
DROPPED = noise-0.9
CORRUPTIONS = $(ONE_$(SCALE)) $(MANY_$(SCALE)) $(DROPPED)

# $(call corrupted,patches-1-32): patches:1,32
corrupted = $(subst -,$(comma),$(patsubst patches-%,patches:%,$(patsubst noise-%,noise:%,$(1))))

# ---- models: % is the corruption ------------------------------------------------------------------------------------

$(TABLES)/unsupervised-neither-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set encode_z=false --set encode_y=false)

$(TABLES)/unsupervised-z-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set encode_z=true --set encode_y=false)

$(TABLES)/unsupervised-y-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set encode_z=false --set encode_y=true)

$(TABLES)/unsupervised-both-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set encode_z=true --set encode_y=true)

$(TABLES)/unsupervised-unpaired-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set supervision=unpaired)

$(TABLES)/unsupervised-paired-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,$(UNSUPERVISED) --masks $(call corrupted,$*) --set supervision=paired)

$(TABLES)/misgan-%/.trained: $(TABLES)/$(OBSERVED).h5
	$(call train,--method misgan $(LEARNS) --masks $(call corrupted,$*))

# ---- tables: FID=1 also measures the FID, where its weights are; what learned nothing has one completion -------------

DIVERSE = --metrics default,inner,diversity$(if $(FID),$(comma)fid) --samples 10

table-unsupervised-1: ## what each auxiliary loss gives

$(TABLES)/unsupervised-1-%.json: $(TABLES)/$(OBSERVED).h5 $(TABLES)/unsupervised-neither-%/.trained \
    $(TABLES)/unsupervised-z-%/.trained $(TABLES)/unsupervised-y-%/.trained $(TABLES)/unsupervised-both-%/.trained
	$(call evaluate,--masks $(call corrupted,$*) $(DIVERSE))

table-unsupervised-2: ## learning from observations alone beside its supervised variants and MisGAN

$(TABLES)/unsupervised-2-%.json: $(TABLES)/$(OBSERVED).h5 $(TABLES)/unsupervised-unpaired-%/.trained \
    $(TABLES)/unsupervised-paired-%/.trained $(TABLES)/misgan-%/.trained $(TABLES)/unsupervised-both-%/.trained
	$(call evaluate,--masks $(call corrupted,$*) $(DIVERSE))

# The mean of the training images, and total variation: a normalised blur has a smaller error than some printed figures.
$(TABLES)/unsupervised-blind-%.json: $(TABLES)/$(OBSERVED).h5
	$(VENV)/bin/python -m inpaint_cli.jobs.sets.mean_image $< $(TABLES)/mean-image
	$(call evaluate,--masks $(call corrupted,$*) --method tv --completed "mean image=$(TABLES)/mean-image" \
	    --metrics default$(comma)inner)

BLIND = $(CORRUPTIONS:%=$(TABLES)/unsupervised-blind-%.json)

$(TABLES)/unsupervised-1.md: $(CORRUPTIONS:%=$(TABLES)/unsupervised-1-%.json) $(BLIND)

$(TABLES)/unsupervised-2.md: $(CORRUPTIONS:%=$(TABLES)/unsupervised-2-%.json) $(BLIND)

# ---- figures: observations, and below each its completions by one z in a row, as the end of training drew them -------

define last_samples
cp "$$(ls $(<D)/samples/*.png | tail -1)" $@
endef

figure-unsupervised-4: ## patches completed

$(TABLES)/figure-unsupervised-4.png: $(TABLES)/unsupervised-both-$(MANY_$(SCALE))/.trained
	$(last_samples)

figure-unsupervised-5: ## dropped pixels completed

$(TABLES)/figure-unsupervised-5.png: $(TABLES)/unsupervised-both-$(DROPPED)/.trained
	$(last_samples)
