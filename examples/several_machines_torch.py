"""Train on several machines or GPUs with PyTorch: `torchrun` starts a process for each GPU.

    export KERAS_BACKEND=torch TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
    torchrun --nproc-per-node 8 --max-restarts 3 --standalone \
        examples/several_machines_torch.py photos/ --output run     # 8 GPUs of one machine
    torchrun --nproc-per-node 8 --max-restarts 3 --nnodes 2 --rdzv-backend c10d \
        --rdzv-endpoint 10.0.0.1:1234 \
        examples/several_machines_torch.py photos/ --output run     # on each of two machines

`DistributedDataParallel` averages the gradients of the processes, each of which reads its own part
of every batch. Process 0 saves. The losses are those of one process, except for random windows and
dropout, which every process draws for itself. Both folders must have the same path on all machines.
If a process ends, torchrun starts all again, and they go on from the last whole epoch; without the
second variable, the new processes look for the old ones (PyTorch 2.5 to 2.13,
https://github.com/pytorch/pytorch/issues/135712). Without torchrun, one process trains.
"""

import argparse
import os

import keras
import torch
from several_machines_jax import Share, build, options
from torch import distributed

from keras_alexnet.training.state import RunState


def train_epoch(parallel, model: keras.Model, data: Share, device: torch.device) -> float:
    """Take the steps of an epoch, and return the mean loss over all processes."""
    total = torch.zeros((), device=device)
    variables = model.trainable_variables
    for number in range(len(data)):
        images, labels = (torch.from_numpy(array).to(device) for array in data[number])
        loss = keras.losses.sparse_categorical_crossentropy(labels, parallel(images, training=True))
        loss.mean().backward()
        with torch.no_grad():
            model.optimizer.apply([variable.value.grad for variable in variables], variables)
        parallel.zero_grad()
        total += loss.detach().mean()
    if distributed.is_initialized():
        distributed.all_reduce(total)
        total /= distributed.get_world_size()
    return float(total) / len(data)


def train(given: argparse.Namespace, process: int, processes: int, device: torch.device) -> None:
    """Train from the last whole epoch on; process 0 saves each epoch and the model."""
    data, state = Share(given, process, processes), RunState(given.output)
    model = parallel = build(given, len(data.files.class_names))
    first = state.resume(model)
    data.start(first)
    if distributed.is_initialized():
        devices = [device] if device.type == "cuda" else None
        parallel = torch.nn.parallel.DistributedDataParallel(model, device_ids=devices)
    print(f"Process {process} of {processes}, PID {os.getpid()}, after epoch {first}", flush=True)
    for variable in model.non_trainable_variables:
        if "seed_generator_state" in variable.path:  # each process draws windows of its own
            variable.assign(keras.ops.convert_to_numpy(variable) + process)
    state.set_model(model)
    state.on_train_begin()
    for epoch in range(first, given.epochs):
        state.on_epoch_begin(epoch)
        torch.manual_seed(1000 * epoch + process)  # and dropout
        loss = train_epoch(parallel, model, data, device)
        data.on_epoch_end()
        if process == 0:
            state.on_epoch_end(epoch, {"loss": loss})
            print(f"Epoch {epoch + 1}/{given.epochs} - loss: {loss:.4f}", flush=True)
    if process == 0:
        model.save(f"{given.output}/model.keras")


def main() -> None:
    parser = options()
    given = parser.parse_args()
    if keras.backend.backend() != "torch":
        parser.error("set KERAS_BACKEND=torch")
    keras.utils.set_random_seed(0)
    torchrun = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", **os.environ}
    process, processes = int(torchrun["RANK"]), int(torchrun["WORLD_SIZE"])
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(torchrun["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    if processes > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    train(given, process, processes, device)
    if processes > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
