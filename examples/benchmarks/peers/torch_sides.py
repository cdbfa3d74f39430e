"""The same networks in plain PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from peers import networks


class Halving(nn.Module):
    """The 2012 dropout: drops while training, halves at test time."""

    def forward(self, x):
        return functional.dropout(x, training=self.training) * 0.5 if self.training else x * 0.5


class Net(nn.Module):
    """A network of the tables."""

    def __init__(self, net: str):
        super().__init__()
        self.net, channels, features = net, 3, []
        for number, (kernel, strides, padding, groups, filters) in enumerate(
            networks.CONVS[net], 1
        ):
            before, after = (3, 4) if padding == "same" else padding
            if before != after:
                features.append(nn.ZeroPad2d((before, after, before, after)))
                before = 0
            conv = nn.Conv2d(channels, filters, kernel, strides, before, groups=groups)
            self.add_module(f"conv{number}", conv)
            features += [conv, nn.ReLU(inplace=True)]
            if number <= 2 and networks.NORMS[net]:
                radius, k, alpha, beta = networks.NORMS[net]
                size = 2 * radius + 1
                features.append(nn.LocalResponseNorm(size, alpha * size, beta, k))
            if number in networks.POOLED:
                features.append(nn.MaxPool2d(3, 2))
            channels = filters
        classifier, inputs = [nn.Flatten()], 36 * channels
        drop = networks.DROPS[net]
        for number, units in enumerate(networks.UNITS, 6):
            dense = nn.Linear(inputs, units)
            self.add_module(f"fc{number}", dense)
            last = number == 8
            if drop == "before" and not last:
                classifier.append(nn.Dropout())
            classifier.append(dense)
            if not last:
                classifier.append(nn.ReLU(inplace=True))
            if drop == "after" and not last:
                classifier.append(Halving())
            inputs = units
        self.layers = nn.Sequential(*features, *classifier)

    def forward(self, x):
        return self.layers(x)


def load(model):
    """Give a network the weights that all sides have."""
    found = networks.weights(model.net)
    for name, (kernel, bias) in found.items():
        module = getattr(model, name)
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        else:
            if name == "fc6":  # rows in the order height, width, channels; here channels come first
                kernel = kernel.reshape(6, 6, -1, kernel.shape[-1]).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(-1, kernel.shape[-1]).T
        module.weight.data.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        module.bias.data.copy_(torch.from_numpy(bias))


def side(net: str, job: str, batch: int, compiled: bool, channels_last: bool):
    """Return the first outputs and the step, in one of PyTorch's memory formats."""
    model = Net(net)
    load(model)
    images, labels = networks.batch(batch)
    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, x = model.to(device, memory_format=memory), x.to(device).contiguous(memory_format=memory)
    labels = torch.from_numpy(labels).to(device)
    model.eval()
    with torch.no_grad():
        outputs = functional.softmax(model(x), dim=-1).cpu().numpy()
    run = torch.compile(model) if compiled else model
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, networks.LEARNING_RATE, networks.MOMENTUM)

    def forward():
        with torch.no_grad():
            functional.softmax(run(x), dim=-1)[0, 0].item()

    def forward_backward():
        objective = functional.softmax(run(x), dim=-1).square().sum() / 2
        torch.autograd.grad(objective, parameters)[0][0, 0, 0, 0].item()

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(run(x), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    model.train(job == "train")
    return outputs, {"forward": forward, "forward-backward": forward_backward, "train": train}[job]
