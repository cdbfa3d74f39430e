"""What the commands of `keras-alexnet` do, as functions for a notebook or a program.

| function | command | returns |
|---|---|---|
| `fit` | `keras-alexnet fit` | `Outcome` |
| `evaluate` | `keras-alexnet evaluate` | `FolderEvaluation` |
| `classify` | `keras-alexnet classify` | `Classification` |
| `features` | `keras-alexnet features` | `Features` |
| `check_images` | `keras-alexnet check-images` | `Findings` |
| `download` | `keras-alexnet download` | `Download` |
| `export` | `keras-alexnet export` | `Exported` |

Results are frozen records. A mistake raises `keras_alexnet.UserError`, a doubt is a `UserWarning`.
`verbose` is that of Keras: 0 prints nothing, and `"auto"` shows a progress bar on a terminal and in
a notebook.

```python
from keras_alexnet import jobs

outcome = jobs.fit("photos/", variant="bvlc", epochs=10, output="run")
print(jobs.evaluate(outcome.model_path, "more-photos/"))
```
"""

from keras_alexnet.data.image_check import Finding, Findings, check_images
from keras_alexnet.evaluation import ClassFigures, Evaluation
from keras_alexnet.evaluation.classifying import Classified, Guess
from keras_alexnet.export.exported import Exported
from keras_alexnet.jobs.classification import Classification, classify
from keras_alexnet.jobs.downloads import Download, download, local_copy
from keras_alexnet.jobs.evaluations import FolderEvaluation, evaluate
from keras_alexnet.jobs.exports import export
from keras_alexnet.jobs.extraction import features
from keras_alexnet.jobs.feature_files import Features
from keras_alexnet.jobs.training import fit
from keras_alexnet.training.job import Job
from keras_alexnet.training.outcome import Outcome

__all__ = [
    "ClassFigures",
    "Classification",
    "Classified",
    "Download",
    "Evaluation",
    "Exported",
    "Features",
    "Finding",
    "Findings",
    "FolderEvaluation",
    "Guess",
    "Job",
    "Outcome",
    "check_images",
    "classify",
    "download",
    "evaluate",
    "export",
    "features",
    "fit",
    "local_copy",
]
