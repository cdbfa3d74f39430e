"""Published figures of the AlexNet family, as plain data.

Every table is transcribed from the source named above it, one line per layer in the order
of the network, and nothing here is computed. The package is checked against these figures, so
these modules must never import it.

Conventions:

* MACs: one multiply-add of a convolution, local or fully connected layer. Biases are not counted,
  padding zeros are.
* Neurons: outputs of the convolution, local and fully connected layers (Krizhevsky et al. 2012
  count in the same way).
* Parameters include the biases.
* Padding is (before, after), the same for height and width. Where the original code reads missing
  pixels at the bottom and right as zeros (cuda-convnet) or skips them (pools that round up), the
  implied padding is written out.
* Layer names are the public names of the package: `norm1` for `rnorm1a`/`rnorm1b`, `fc6`
  for `fat1`, `prob` for `probs` and so on. `cnorm2` is the second, within-map
  normalization of layer 2 in the 2012 source code.
* torchvision's, TF-slim's and imgclsmob's networks stop at the logits. Their tables still end with
  a `prob` row, because the package puts a softmax on top unless it is told not to.
* torchvision's adaptive average pool is the identity at its published input size and is left out.
"""

from published.cifar import (
    CIFAR10_11PCT,
    CIFAR10_13PCT,
    CIFAR10_18PCT,
    CIFAR10_19PCT,
    CIFAR10_80SEC,
)
from published.one_tower import CUDA_CONVNET2, NOTEBOOK, OWT, SLIM_V2, UNGROUPED
from published.rows import Variant
from published.towers import BVLC, CAFFENET, PAPER, SOURCE2012, SOURCE2012_HALF

PUBLISHED: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        PAPER,
        SOURCE2012,
        SOURCE2012_HALF,
        BVLC,
        CAFFENET,
        OWT,
        CUDA_CONVNET2,
        SLIM_V2,
        NOTEBOOK,
        UNGROUPED,
        CIFAR10_18PCT,
        CIFAR10_19PCT,
        CIFAR10_80SEC,
        CIFAR10_11PCT,
        CIFAR10_13PCT,
    )
}
