# Semantic Image Completion through an Adversarial Strategy (Vitoria, Sintes, Ballester)
#
# A model learns to make images and never sees a mask; a hole is completed by a search of its latents. There is one for
# each data set, semantic-DATA, and one of Yeh et al.'s method, sii-DATA: ../sii/experiments.mk trains it, and says what
# SEARCH and FEW are. How the energy of the search is weighed is set when images are completed.

SEMANTIC_smoke = --batch 4  --steps 2    --set width=4
SEMANTIC_small = --batch 16 --steps 3000 --set width=16 --set learning_rate=3e-4 --set ema=0.99 \
    --set patch_blocks=2 --set critic_steps=2 --set penalty_share=0.25
SEMANTIC_paper =
SEMANTIC = --method semantic $(SEMANTIC_$(SCALE))

# Ten epochs are ten times as many steps of the generator as there are batches of 64 in the data: the method's 31,500
# for CelebA's 201,599 images, and for SVHN's 73,257 and MNIST's 60,000
EPOCHS_svhn-64_paper = --steps 11450
EPOCHS_mnist-28_paper = --steps 9400

FACES_64_smoke = celeba-64-part
FACES_64_small = celeba-64-part
FACES_64_paper = celeba-64
FACES_64 = $(FACES_64_$(SCALE))

# House numbers are in the tables where DATA has them.
NUMBERS_smoke = $(if $(wildcard $(DATA)/svhn),svhn-64)
NUMBERS_small = $(if $(wildcard $(DATA)/svhn),svhn-64)
NUMBERS_paper = svhn-64
NUMBERS = $(NUMBERS_$(SCALE))

$(TABLES)/semantic-%/.trained: $(TABLES)/%.h5
	$(call train,$(SEMANTIC) $(EPOCHS_$*_$(SCALE)))

# ---- tables: both methods, and the other's with the gradient loss, each with the energy weighed in four ways --------

table-semantic-1: ## the square in the middle missing
MASKS_1 = --masks center:32

table-semantic-2: ## three squares missing
MASKS_2 = --masks squares:3

# Results of Yeh et al.'s method as it was published; % is the data.
$(TABLES)/semantic-1-%-sii.json: $(TABLES)/%.h5 $(TABLES)/sii-%/.trained
	$(call evaluate,$(MASKS_1) $(SEARCH) $(FEW))

$(TABLES)/semantic-2-%-sii.json: $(TABLES)/%.h5 $(TABLES)/sii-%/.trained
	$(call evaluate,$(MASKS_2) $(SEARCH) $(FEW))

# Results of a $(table) with certain $(weights), alpha-beta-eta.
define weighed_results
$(TABLES)/semantic-$(table)-%-sii-$(weights).json: $(TABLES)/%.h5 $(TABLES)/sii-%/.trained
	$$(call evaluate,$(MASKS_$(table)) $$(SEARCH) $$(FEW) --set gradient_loss=true $(weighed))

$(TABLES)/semantic-$(table)-%-semantic-$(weights).json: $(TABLES)/%.h5 $(TABLES)/semantic-%/.trained
	$$(call evaluate,$(MASKS_$(table)) $$(SEARCH) $$(FEW) $(weighed))
endef
WEIGHTS = 0.1-0.9-1.0 0.5-0.5-1.0 0.1-0.9-0.5 0.5-0.5-0.5
weighed = $(addprefix --set ,$(join alpha= beta= eta=,$(subst -, ,$(weights))))
$(foreach table,1 2,$(foreach weights,$(WEIGHTS),$(eval $(weighed_results))))

# $(call results_of,TABLE): a row of the print each, on each data set.
ROWS = sii $(WEIGHTS:%=sii-%) $(WEIGHTS:%=semantic-%)
results_of = $(foreach data,$(FACES_64) $(NUMBERS),$(ROWS:%=$(TABLES)/semantic-$(1)-$(data)-%.json))

$(TABLES)/semantic-1.md: $(call results_of,1)

$(TABLES)/semantic-2.md: $(call results_of,2)

# ---- figures --------------------------------------------------------------------------------------------------------

figure-semantic-2: ## faces by what looks at the image alone, not local and local, and by this method, as it searches by default

$(TABLES)/figure-semantic-2.png: $(TABLES)/$(FACES_64).h5 $(call runs,semantic-$(FACES_64))
	$(call show,$(MASKS_1) --method patch --method tv)

figure-semantic-7: ## what was found, put into the face, and edited into it by Eq. 9

$(TABLES)/figure-semantic-7.png: $(TABLES)/$(FACES_64).h5 $(call runs,semantic-$(FACES_64))
	$(call face_figure,editing)

figure-semantic-8: ## faces by both methods, behind both masks

$(TABLES)/figure-semantic-8.png: $(TABLES)/$(FACES_64).h5 $(call runs,semantic-$(FACES_64) sii-$(FACES_64))
	$(call show,$(MASKS_1) $(MASKS_2) $(SEARCH))

figure-semantic-9: ## house numbers by both methods, behind both masks

$(TABLES)/figure-semantic-9.png: $(TABLES)/svhn-64.h5 $(call runs,semantic-svhn-64 sii-svhn-64)
	$(call show,$(MASKS_1) $(MASKS_2) $(SEARCH))

figure-semantic-10: ## larger images, with a model of their size

$(TABLES)/semantic-128/.trained: $(TABLES)/celeba-128-center.h5
	$(call train,$(SEMANTIC) --masks block:64)

$(TABLES)/figure-semantic-10.png: $(TABLES)/celeba-128-center.h5 $(call runs,semantic-128)
	$(call show,--masks block:64 --masks pattern:0.25 $(MASKS_1) $(MASKS_2) $(SEARCH))

figure-semantic-11: ## where it fails: the hardest and the easiest of each data set

$(TABLES)/figure-semantic-11.png: $(patsubst %,$(TABLES)/semantic-1-%-semantic-0.1-0.9-0.5.json,$(FACES_64) $(NUMBERS))
	$(INPAINT) report grid $(^:.json=.png) --columns 1 -o $@ --overwrite

# $(call face_figure,NAME): a figure of its own, of one model.
face_figure = $(VENV)/bin/python -m inpaint_cli.jobs.evaluation.face_figures $(1) $< $(CHECKPOINTS:--checkpoint=) $@ \
    $(filter-out --set,$(SEARCH))

figure-semantic-12: ## parts of faces at the left given to those at the top, with SSIM; below, completion without them

$(TABLES)/figure-semantic-12.png: $(TABLES)/$(FACES_64).h5 $(call runs,semantic-$(FACES_64))
	$(call face_figure,merging)

figure-semantic-digits: ## digits, which the paper does not have

$(TABLES)/semantic-mnist-28/.trained: $(TABLES)/mnist-28.h5
	$(call train,$(SEMANTIC) $(EPOCHS_mnist-28_$(SCALE)) --masks center:14)

$(TABLES)/figure-semantic-digits.png: $(TABLES)/mnist-28.h5 $(call runs,semantic-mnist-28)
	$(call show,--masks center:14 $(SEARCH))
