# The Missing Data Encoder (Dapogny, Cord, Perez)
#
# One network learns to complete what any of five processes leave of a face. A run's folder names its training masks,
# mde-rec-0.1 for rec:0.1, and what differs from the method's defaults.

MDE_smoke = --batch 4  --steps 4     --set width=8  --set perceptual=0
MDE_small = --batch 16 --steps 12000 --set width=24 --set perceptual=0 --set ema=0.999
MDE_paper =
MDE = --method mde $(MDE_$(SCALE))

table-mde-3: ## targeted occlusions of faces

OCCLUSIONS = right-half left-half both-eyes right-eye left-eye mouth

$(TABLES)/mde-rec-0.1/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1)

$(TABLES)/mde-3.json: $(TABLES)/celeba-96.h5 $(call runs,mde-rec-0.1)
	$(call evaluate,--method tv --method patch $(OCCLUSIONS:%=--masks face:%))

$(TABLES)/mde-3.md: $(TABLES)/mde-3.json

table-mde-figure-7: ## every way of training against every test

SIDES  = 0.1 0.25 0.33 0.5
SETUPS = inpaint-0.25 reverse-0.25 colorize-1 colorize-2 $(foreach side,$(SIDES),extrapolate-$(side) rec-$(side))

# Hide-and-seek needs masks that vary, which two of them do not.
$(TABLES)/mde-%-none/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks $(subst -,:,$*) --set hide_and_seek=none)

$(TABLES)/mde-figure-7.json: $(TABLES)/celeba-96.h5 $(call runs,$(SETUPS:%=mde-%-none))
	$(call evaluate,$(addprefix --masks ,$(subst -,:,$(SETUPS))))

$(TABLES)/mde-figure-7.md: $(TABLES)/mde-figure-7.json

table-mde-figure-8: ## what each loss gives

# mde-rec-0.1 plays hide-and-seek as the paper does (alt), coord and rec in other ways; none does not play, completion
# has that loss alone.
LOSSES = mde-rec-0.1 mde-rec-0.1-none mde-rec-0.1-completion mde-rec-0.1-coord mde-rec-0.1-rec

$(TABLES)/mde-rec-0.1-completion/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1 --set hide_and_seek=none --set adversarial=0 --set perceptual=0)

$(call runs,mde-rec-0.1-coord mde-rec-0.1-rec): $(TABLES)/mde-rec-0.1-%/.trained: $(TABLES)/celeba-96.h5
	$(call train,$(MDE) --masks rec:0.1 --set hide_and_seek=$*)

$(TABLES)/mde-figure-8.json: $(TABLES)/celeba-96.h5 $(call runs,$(LOSSES))
	$(call evaluate,$(SIDES:%=--masks rec:%))

$(TABLES)/mde-figure-8.md: $(TABLES)/mde-figure-8.json
