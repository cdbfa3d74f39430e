"""Conversion: files of other formats, written and compared."""
