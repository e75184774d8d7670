# Semantic Image Inpainting with Deep Generative Models (Yeh et al.)
#
# No table of its own: the papers in collagan/ and semantic/ compare themselves with it. A model for each data set.

# By the size of the images: up to 64 pixels, and 128.
SII_smoke = --batch 4 --steps 2 --set width=4
SII_small = --batch 32 --steps 4000 --set width=32 --set ema=0.99
SII_paper =
SII = $(SII_$(SCALE))

SII_128_smoke = --batch 4 --steps 2 --set width=4
SII_128_small = --batch 16 --steps 3000 --set width=24 --set ema=0.99
SII_128_paper =
SII_128 = $(SII_128_$(SCALE))

# Twenty-five epochs are the method's 79,000 steps for CelebA's 201,599 images, and for SVHN's 73,257
SII_EPOCHS_svhn-64_paper = --steps 28600

$(TABLES)/sii-%/.trained: $(TABLES)/%.h5
	$(call train,--method sii $(SII) $(SII_EPOCHS_$*_$(SCALE)))

# make prefers the rule whose % stands for less.
$(TABLES)/sii-%-128/.trained: $(TABLES)/%-128.h5
	$(call train,--method sii --masks block:64 $(SII_128))

# This method and semantic complete a hole by a search of latents: how long, and therefore for how many images.
SEARCH_smoke = --set search_steps=4 --set candidates=8
SEARCH_small = --set search_steps=128 --set restarts=2 --set candidates=256
SEARCH_paper = --set search=printed
SEARCH = $(SEARCH_$(SCALE))

FEW_smoke =
FEW_small = --limit 200
FEW_paper =
FEW = $(FEW_$(SCALE))
