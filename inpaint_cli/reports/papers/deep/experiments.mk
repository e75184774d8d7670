# Deep Image Inpainting (Burlin, Le Calonnec, Duperier)
#
# Autoencoders, adversarial ones and models that predict pixel after pixel, on CIFAR10, where a square of a sixteenth of
# the image is missing.

# In a short training an overlap that counts 20 times takes most of what is learned: after 1,200 steps the hole's L2 is
# 4.50 with it and 4.10 with a weight of 1, after 2,400 with that 3.57. At width 16 longer training does not help, since
# 9,000 images are then known by heart: after 4,800 steps 3.55, and 2.8 on those; with mirror images 3.38, and 3.25 at
# width 32, where 9,600 steps bring 3.17. Images shifted by up to 4 pixels have another hole each time: 12,000 steps with
# them bring 2.90. Ridge regression has 3.05.
DEEP_smoke = --batch 4  --steps 2    --set width=8
DEEP_small = --steps 12000 $(SHORT)
SHORT = --batch 32 --set width=32 --set ema=0.99 --set overlap_weight=1 --set flip=0.5 --set shift=0.125 \
    --set dropout=0 --set hue=0 --set saturation=0 --set contrast=0 --set blur=0
DEEP_paper = --validate-every 1000 --patience 5
DEEP = $(DEEP_$(SCALE))

# Sizes and encoders are compared after a fifth of that, in runs of their own: eight models would take four hours of a CPU.
COMPARED_smoke = deep-l2
COMPARED_small = deep-l2-short
COMPARED_paper = deep-l2
COMPARED = $(COMPARED_$(SCALE))

# The adversarial ones take the same and, at the small scale, fewer steps and what balances the two players.
GAN_smoke = $(DEEP_smoke)
GAN_small = --steps 4800 $(SHORT) --set alpha=0.5 --set discriminator_width=8 \
    --set discriminator_learning_rate=1e-3 --set judges=patch
GAN_paper =
GAN = $(GAN_$(SCALE))

WGAN_smoke = $(DEEP_smoke)
WGAN_small = --steps 4800 $(SHORT) --set discriminator_width=8 \
    --set discriminator_learning_rate=5e-4 --set critic_steps=3
WGAN_paper = --set encoder=vgg
WGAN = $(WGAN_$(SCALE))

PIXELCNN_smoke = --batch 4 --steps 2    --set width=4
PIXELCNN_small = --batch 8 --steps 3600 --set dropout=0 --set learning_rate=1e-2
PIXELCNN_paper =
PIXELCNN = $(PIXELCNN_$(SCALE))

RECURRENT_smoke = --batch 2 --steps 2   --set hidden=4
RECURRENT_small = --batch 8 --steps 400 --set learning_rate=3e-3
RECURRENT_paper =
RECURRENT = $(RECURRENT_$(SCALE))

# After 200 updates on 8 rows of images 6.84 bits per value are left at a rate of 3e-3, 6.44 at 1e-2, 5.75 at 3e-2; with
# that 5.37 after 400 and 4.73 after 4,000. The best of the lookup tables has 4.94.
FLATTENED_smoke = $(RECURRENT_smoke)
FLATTENED_small = --batch 8 --steps 4000 --set learning_rate=3e-2
FLATTENED_paper =
FLATTENED = $(FLATTENED_$(SCALE))

# Of the two with layers.
LAYERS_smoke = --set layers=1 --set head=12
LAYERS_small = --set layers=2 --set head=96 --set hidden=24
LAYERS_paper =
LAYERS = $(LAYERS_$(SCALE))

# ---- the models of all tables and figures ---------------------------------------------------------------------------

# The basic autoencoder, named by the size of its bottleneck.
$(TABLES)/deep-l2-%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 $(DEEP) --set bottleneck=$*)

# With another encoder, named by it; make prefers the rule whose % stands for less.
$(TABLES)/deep-l2-encoder-%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 $(DEEP) --set encoder=$*)

# At the small scale alone.
$(TABLES)/deep-l2-short-%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 --steps 2400 $(SHORT) --set bottleneck=$*)

$(TABLES)/deep-l2-short-encoder-%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 --steps 2400 $(SHORT) --set encoder=$*)

$(TABLES)/deep-gan/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-gan $(GAN))

$(TABLES)/deep-wgan/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-wgan $(WGAN))

$(TABLES)/pixelcnn/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method pixelcnn $(PIXELCNN))

$(TABLES)/flattened-row-lstm/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method flattened-row-lstm $(FLATTENED))

$(call runs,row-lstm diagonal-bilstm): $(TABLES)/%/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method $* $(RECURRENT) $(LAYERS))

# ---- tables ---------------------------------------------------------------------------------------------------------

HOLE = --masks center:8 --metrics default --metrics seam

table-deep-1: ## every kind of model

$(TABLES)/deep-1.json: $(TABLES)/cifar10-32.h5 \
    $(call runs,deep-l2-512 deep-l2-encoder-vgg deep-gan deep-wgan pixelcnn flattened-row-lstm row-lstm diagonal-bilstm)
	$(call evaluate,$(HOLE))

# What no training and what linear regression come to.
$(TABLES)/deep-trivial/.made: $(TABLES)/cifar10-32.h5
	$(VENV)/bin/python -m inpaint_cli.jobs.evaluation.trivial $< 8 $(@D)
	touch $@

$(TABLES)/deep-trivial.json: $(TABLES)/cifar10-32.h5 $(TABLES)/deep-trivial/.made
	$(call evaluate,$(HOLE) --completed $(TABLES)/deep-trivial/rim-mean --completed $(TABLES)/deep-trivial/ridge)

$(TABLES)/deep-1.md: $(TABLES)/deep-1.json $(TABLES)/deep-trivial.json

table-deep-encoders: ## the autoencoder's encoder: basic, and reduced VGG, Inception and ResNet

$(TABLES)/deep-encoders.json: $(TABLES)/cifar10-32.h5 \
    $(call runs,$(addprefix $(COMPARED)-,512 encoder-vgg encoder-inception encoder-resnet))
	$(call evaluate,$(HOLE))

$(TABLES)/deep-encoders.md: $(TABLES)/deep-encoders.json

table-deep-bottleneck: ## the size of the autoencoder's bottleneck, on images that it has learned and on others

$(TABLES)/deep-bottleneck-%.json: $(TABLES)/cifar10-32.h5 $(call runs,$(addprefix $(COMPARED)-,256 512 1000 2000))
	$(call evaluate,$(HOLE) --split $*)

$(TABLES)/deep-bottleneck.md: $(TABLES)/deep-bottleneck-train.json $(TABLES)/deep-bottleneck-validation.json

# ---- figures --------------------------------------------------------------------------------------------------------

figure-deep-4: ## the autoencoder
$(TABLES)/figure-deep-4.png: $(TABLES)/cifar10-32.h5 $(call runs,deep-l2-512)
	$(call show,--masks center:8)

figure-deep-5: ## the adversarial autoencoder
$(TABLES)/figure-deep-5.png: $(TABLES)/cifar10-32.h5 $(call runs,deep-gan)
	$(call show,--masks center:8)

figure-deep-6: ## the overlap trick, without and with

$(TABLES)/deep-l2-no-overlap/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 $(DEEP) --set overlap=0)

$(TABLES)/deep-l2-short-no-overlap/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-l2 --steps 2400 $(SHORT) --set overlap=0)

$(TABLES)/deep-wgan-no-overlap/.trained: $(TABLES)/cifar10-32.h5
	$(call train,--method deep-wgan $(WGAN) --set overlap=0)

$(TABLES)/figure-deep-6.png: $(TABLES)/cifar10-32.h5 \
    $(call runs,$(COMPARED)-no-overlap $(COMPARED)-512 deep-wgan-no-overlap deep-wgan)
	$(call show,--masks center:8)

figure-deep-8: ## a pixel's distributions

$(TABLES)/figure-deep-8.svg: $(TABLES)/cifar10-32.h5 $(call runs,pixelcnn)
	$(INPAINT) report probabilities $(TABLES)/pixelcnn --data $< --pixel 15,15 -o $@ --overwrite

figure-deep-9: ## PixelCNN
$(TABLES)/figure-deep-9.png: $(TABLES)/cifar10-32.h5 $(call runs,pixelcnn)
	$(call show,--masks center:8)

figure-deep-11: ## the flattened row LSTM
$(TABLES)/figure-deep-11.png: $(TABLES)/cifar10-32.h5 $(call runs,flattened-row-lstm)
	$(call show,--masks center:8)

figure-deep-12: ## the Wasserstein autoencoder
$(TABLES)/figure-deep-12.png: $(TABLES)/cifar10-32.h5 $(call runs,deep-wgan)
	$(call show,--masks center:8)
