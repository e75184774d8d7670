"""What `inpaint complete` does with photos: pairs them with masks, finds the holes, completes, annotates, reports."""
