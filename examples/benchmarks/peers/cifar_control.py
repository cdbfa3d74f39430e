"""The recipe of cuda-convnet's 18 % network for CIFAR-10 in plain PyTorch, as a control.

Written from cuda-convnet's own files, layers-18pct.cfg and layer-params-18pct.cfg, and not from
this package's tables: nothing here imports the package.
"""

import pathlib

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

BATCH, EPOCHS, MOMENTUM = 128, 140, 0.9
RATES = ((0, 1e-3), (120, 1e-4), (130, 1e-5))  # from which of the 140 epochs on
# epsB is twice epsW, and falls with it; wc is the weight decay; biases have none.
DECAYS = {"conv1": 4e-3, "conv2": 4e-3, "conv3": 4e-3, "fc10": 1.0}
DEVIATIONS = {"conv1": 1e-4, "conv2": 0.01, "conv3": 0.01, "fc10": 0.01}  # initW; initB is 0


class WithinMaps(nn.Module):
    """rnorm: x / (1 + scale / 9 * the sum of the squares in a window of 3 x 3) ** 0.75."""

    def forward(self, x):
        # The mean over nine pixels, those outside counted as 0, is a ninth of the sum.
        return x / (1 + 5e-5 * functional.avg_pool2d(x * x, 3, 1, 1)) ** 0.75


class Net(nn.Module):
    """The network of layers-18pct.cfg; its outputs are the inputs of the softmax."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.fc10 = nn.Linear(64 * 4 * 4, 10)
        self.norm = WithinMaps()

    def forward(self, x):
        # A window that reaches over the edge counts the pixels inside it alone, as PyTorch's does.
        x = functional.relu(functional.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True))
        x = functional.relu(self.conv2(self.norm(x)))
        x = self.norm(functional.avg_pool2d(x, 3, 2, ceil_mode=True))
        x = functional.avg_pool2d(functional.relu(self.conv3(x)), 3, 2, ceil_mode=True)
        return self.fc10(x.flatten(1))


def read(folder):
    """Decode the images of a folder with a folder for each class, in the order of their names."""
    images, labels = [], []
    classes = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir())
    for label, directory in enumerate(classes):
        for path in sorted(directory.iterdir()):
            with Image.open(path) as image:
                images.append(np.asarray(image.convert("RGB")))
            labels.append(label)
    return np.stack(images), np.array(labels)


class Training:
    """A network, its velocities and the schedule.

    Args:
        images: All training images, uint8 of 0 to 255: their mean image is subtracted.
        steps: Training steps of the whole run, over which the schedule is stretched.
        seed: Fixes the initial values.
    """

    def __init__(self, images, steps: int, seed: int):
        self.steps, self.done = steps, 0
        self.mean = torch.from_numpy(images.mean(axis=0).astype("float32"))
        self.net = Net()
        generator = torch.Generator().manual_seed(seed)
        for name, deviation in DEVIATIONS.items():
            layer = getattr(self.net, name)
            nn.init.normal_(layer.weight, std=deviation, generator=generator)
            nn.init.zeros_(layer.bias)
        self.velocities = {
            name: torch.zeros_like(value) for name, value in self.net.named_parameters()
        }

    def rate(self) -> float:
        """Return the rate of the weights in the next step."""
        starts = [(round(epoch / EPOCHS * self.steps), rate) for epoch, rate in RATES]
        return [rate for start, rate in starts if self.done >= start][-1]

    def outputs(self, images):
        """Return what the softmax takes of images of 0 to 255."""
        x = torch.from_numpy(images).float() - self.mean
        return self.net(x.permute(0, 3, 1, 2))

    def step(self, images, labels) -> float:
        """Learn from a batch; return its loss before that."""
        self.net.zero_grad()
        loss = functional.cross_entropy(self.outputs(images), torch.from_numpy(labels))
        loss.backward()
        rate = self.rate()
        with torch.no_grad():
            for name, value in self.net.named_parameters():
                layer, kind = name.split(".")
                own, decay = (2 * rate, 0.0) if kind == "bias" else (rate, DECAYS[layer])
                velocity = self.velocities[name]
                velocity.mul_(MOMENTUM).sub_(own * (value.grad + decay * value))
                value.add_(velocity)
        self.done += 1
        return loss.item()

    def epoch(self, images, labels) -> float:
        """Learn from images in their order; return the mean loss of an image."""
        total = 0.0
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            total += len(batch) * self.step(batch, labels[start : start + BATCH])
        return total / len(images)

    def error(self, images, labels) -> float:
        """Return the share of images whose largest output is not that of their class."""
        wrong = 0
        with torch.no_grad():
            for start in range(0, len(images), 500):
                chosen = self.outputs(images[start : start + 500]).argmax(dim=1).numpy()
                wrong += int((chosen != labels[start : start + 500]).sum())
        return wrong / len(images)

    def save(self, path) -> None:
        """Write what the next epoch starts from."""
        state = {"net": self.net.state_dict(), "velocities": self.velocities, "done": self.done}
        torch.save(state, path)

    def load(self, path) -> None:
        """Go on from a file that `save` wrote."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.velocities, self.done = state["velocities"], state["done"]
