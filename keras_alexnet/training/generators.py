"""The states of random generators that are not variables of a model."""

import keras
import numpy as np


def generator_states() -> dict[str, np.ndarray]:
    """Return the states of PyTorch's own generators by device; none on the other backends.

    Keras's dropout on PyTorch draws from them unless it has a seed of its own (Keras 3.15).
    """
    if keras.backend.backend() != "torch":
        return {}
    import torch

    on_gpus = enumerate(torch.cuda.get_rng_state_all())
    return {
        "torch-cpu": torch.get_rng_state().numpy(),
        **{f"torch-cuda-{number}": state.numpy() for number, state in on_gpus},
    }


def set_generator_states(states: dict[str, np.ndarray]) -> None:
    """Set the generators to states from `generator_states`; skip devices that are absent."""
    if keras.backend.backend() != "torch":
        return
    import torch

    for name, state in states.items():
        device, _, number = name.removeprefix("torch-").partition("-")
        if device == "cpu":
            torch.set_rng_state(torch.from_numpy(state))
        elif int(number) < torch.cuda.device_count():
            torch.cuda.set_rng_state(torch.from_numpy(state), int(number))
