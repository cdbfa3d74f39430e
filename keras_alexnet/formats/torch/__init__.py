"""The three formats of torch.save."""
