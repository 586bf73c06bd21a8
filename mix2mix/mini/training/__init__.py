"""Training of the mini bundle on the miniature world: the data, the losses, the loop and the stages."""
