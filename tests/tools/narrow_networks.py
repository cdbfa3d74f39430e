"""Published networks with few units in their dense layers, which hold 95 % of the weights.

Their convolutions, pools and normalizations are the published ones. A test that is not about the
width of a layer needs a fifth of the time with them.
"""

import dataclasses

from keras_alexnet import variants
from keras_alexnet.variants.records import Dense
from reference_networks import resized

UNITS = 64


def narrow(patch, name):
    """Let a variant have dense layers of 64 units, its classifier apart, until `patch` ends."""
    record = variants.get_variant(name)
    classifier = tuple(
        (layer, dataclasses.replace(row, units=UNITS) if _is_wide(row) else row)
        for layer, row in record.classifier
    )
    narrowed = dataclasses.replace(record, classifier=classifier)
    patch.setattr(variants, "VARIANTS", {**variants.VARIANTS, name: narrowed})


def _is_wide(row):
    return isinstance(row, Dense) and row.units is not None and row.units > UNITS


def narrow_published(published):
    """Return the rows of a published network with the same change."""
    last = [row for row in published.rows if row.op == "fc"][-1]
    rows = tuple(
        dataclasses.replace(row, filters=UNITS)
        if row.op == "fc" and row is not last and row.filters > UNITS
        else row
        for row in published.rows
    )
    return resized(dataclasses.replace(published, rows=rows), published.input_size)
