"""Pickles, read as data: no function in them is called."""
