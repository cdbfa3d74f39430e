"""`python -m keras_alexnet`, the same as `keras-alexnet`."""

import sys

from keras_alexnet.cli import main

sys.exit(main())
