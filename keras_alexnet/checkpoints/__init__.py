"""Weights from files in models: the match of tensors and variables, the load, the check."""
