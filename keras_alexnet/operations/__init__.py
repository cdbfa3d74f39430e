"""The arithmetic of the layers and of the optimizer, and each backend's faster versions of it.

A file for each group of operations. In each the formula in plain `keras.ops` stands first, and the
versions that override it stand below: `operation.py` chooses between them.
"""
