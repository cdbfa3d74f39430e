"""The forms in which people save AlexNets with PyTorch."""

import argparse
import collections
import copy
import datetime
import enum
import pathlib
import random

import numpy as np


class Mode(enum.Enum):
    """An option of a script."""

    TRAIN = 1


class Options(dict):
    """A dictionary of a class of its own, as configuration libraries have them."""


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


def inside(state, wrapper):
    """Return a state dict as if a wrapper of PyTorch's were around the features alone."""
    return {
        name.replace("features.", f"features.{wrapper}."): tensor for name, tensor in state.items()
    }


def optimizer(torch, state, kind="SGD"):
    """Return the state of an optimizer that has made a step."""
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in state.values()]
    made = getattr(torch.optim, kind)(parameters, 0.1, **{"SGD": {"momentum": 0.9}}.get(kind, {}))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    made.step()
    return made.state_dict()


def old_optimizer(torch, state):
    """Return the same as before PyTorch 1.5: by the address of each parameter."""
    found = optimizer(torch, state)
    moved = {140_234_234_000_000 + 64 * i: value for i, value in found["state"].items()}
    return {"state": moved, "param_groups": [{"params": list(moved), "lr": 0.1}]}


def with_attribute(tensor):
    tensor = tensor.clone()
    tensor.note = "from a script"
    return tensor


def everything(torch):
    """Return values of all kinds that scripts keep beside weights."""
    return {
        "none": None,
        "numpy": np.float32(0.5),
        "history": np.random.default_rng(0).normal(size=2000),
        "generator": np.random.get_state(),
        "pcg": np.random.default_rng(1).bit_generator.state,
        "python": random.getstate(),
        "args": argparse.Namespace(arch="alexnet", lr=0.01),
        "set": {1, 2},
        "frozen set": frozenset("ab"),
        "device": torch.device("cpu"),
        "size": torch.Size([3, 4]),
        "dtype": torch.float32,
        "path": pathlib.PurePosixPath("/data"),
        "date": datetime.datetime(2020, 1, 2),
        "mode": Mode.TRAIN,
        "counter": collections.Counter("aab"),
        "queue": collections.deque([1, 2]),
        "missing": collections.defaultdict(list, a=[torch.ones(2)]),
        "keys": {(1, 2): 0, None: 1, 2.5: 2, torch.float32: 3},
        "long": 1 << 200,
        "text": "a" * 5000,
        "criterion": torch.nn.CrossEntropyLoss(),
        "complex": torch.ones(2, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(),
        "expanded": torch.ones(1).expand(1000),
    }


def forms(torch, state):
    """Return the forms by name."""
    return {
        "plain": state,
        "dict": dict(state),
        "parameters": {name: torch.nn.Parameter(tensor) for name, tensor in state.items()},
        "half": {name: tensor.half() for name, tensor in state.items()},
        "ImageNet example": {
            **{"epoch": 90, "arch": "alexnet", "state_dict": inside(state, "module")},
            **{"best_acc1": torch.tensor(56.5), "optimizer": optimizer(torch, state)},
        },
        "DataParallel": prefixed(state, "module."),
        "compiled": prefixed(state, "_orig_mod."),
        "compiled and parallel": prefixed(state, "_orig_mod.module."),
        "features compiled": inside(state, "_orig_mod"),
        "model.": prefixed(state, "model."),
        "net.": prefixed(state, "net."),
        "backbone.": {
            **prefixed(state, "backbone."),
            "mean": torch.ones(3),
            "head.weight": torch.ones(2, 2),
        },
        "averaged": {**prefixed(state, "module."), "n_averaged": torch.tensor(3)},
        "Lightning": {
            **{"epoch": 3, "pytorch-lightning_version": "2.0", "callbacks": {"a": {"b": 1}}},
            "state_dict": {**prefixed(state, "model."), "criterion.weight": torch.ones(5)},
            "optimizer_states": [optimizer(torch, state, "Adam")],
            "hyper_parameters": argparse.Namespace(lr=0.1),
        },
        "loss in a tensor": {"model_state_dict": state, "loss": torch.tensor([0.5, 0.25])},
        "under any name": {"alexnet": state, "discriminator": {"weight": torch.ones(2, 2)}},
        "two deep": {"checkpoint": {"nets": {"classifier": state}}, "step": 3},
        "in a list": [90, state, optimizer(torch, state)],
        "in a pair": (state, {"accuracy": 0.5}),
        "old optimizer": {"state_dict": state, "optimizer": old_optimizer(torch, state)},
        "running average": {"state_dict": state, "state_dict_ema": copy.deepcopy(state) | {}},
        "twice the same": {"best": state, "last": state},
        "defaultdict": collections.defaultdict(dict, state_dict=state),
        "own dictionary": Options(model=Options(state), epoch=3),
        "random states": {
            "model": state,
            "rng_state": torch.get_rng_state(),
            "cuda": [torch.get_rng_state()],
        },
        "masks": {
            **state,
            **{"features.0.mask": torch.ones(3, dtype=torch.bool), "seen": torch.tensor(7)},
            **{"bytes": torch.ones(3, dtype=torch.uint8), "threshold": torch.tensor(0.5)},
        },
        "attributes": {
            name: with_attribute(tensor) if name.endswith("weight") else tensor
            for name, tensor in state.items()
        },
        "beside everything": {"state_dict": state, **everything(torch)},
        "among everything": {**state, **everything(torch)},
        "beside what NumPy lacks": {
            "state_dict": state,
            "seeds": torch.ones(2, dtype=torch.uint16),
        },
    }


NAMES = [
    "plain",
    "dict",
    "parameters",
    "half",
    "ImageNet example",
    "DataParallel",
    "compiled",
    "compiled and parallel",
    "features compiled",
    "model.",
    "net.",
    "backbone.",
    "averaged",
    "Lightning",
    "loss in a tensor",
    "under any name",
    "two deep",
    "in a list",
    "in a pair",
    "old optimizer",
    "running average",
    "twice the same",
    "defaultdict",
    "own dictionary",
    "random states",
    "masks",
    "attributes",
    "beside everything",
    "among everything",
    "beside what NumPy lacks",
]
