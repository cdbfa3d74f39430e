"""Whole networks on the device, where images and labels lie: the host waits after some steps."""

import itertools

import keras
import numpy as np
from keras import ops

from keras_alexnet import AlexNet, get_variant
from keras_alexnet.benchmarking.devices import peak_memory, synchronize
from peers import cifar_sides, networks
from peers.gpu_names import STEPS

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def network(net: str, dtype: str):
    """Return this package's network, with the weights that all sides have."""
    model = AlexNet(net, dtype=POLICIES[dtype], data_format="channels_last")
    if net in networks.CONVS:
        for name, values in networks.weights(net).items():
            model.get_layer(name).set_weights(values)
    else:  # a small one, for `--quick`
        model.set_weights(cifar_sides.weights(model))
    return model


def batch_of(model, size: int):
    """Return images and labels for a network."""
    images, labels = cifar_sides.batch_of(model, size)
    return images, labels.astype("int32")


def floats(outputs):
    """Return the outputs for two images as NumPy's, which has no bfloat16."""
    return ops.convert_to_numpy(ops.cast(outputs[:2], "float32"))


def sgd():
    """Return Keras's optimizer with the rate and the momentum of all sides."""
    return keras.optimizers.SGD(networks.LEARNING_RATE, networks.MOMENTUM)


def repeated(step, count: int = STEPS):
    """Return a function that takes some steps, then waits for the device."""

    def run():
        for _ in range(count):
            results = step()
        synchronize(results)

    return run


def raw_step(model, images, labels):
    """Return a training step in one jitted function, all that it changes donated to it."""
    import jax

    optimizer = sgd()
    optimizer.build(model.trainable_variables)

    def loss(trainable, others, images, labels):
        outputs, others = model.stateless_call(trainable, others, images, training=True)
        outputs = ops.cast(outputs, "float32")
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, outputs)), others

    def changed(state, images, labels):
        trainable, others, own = state
        gradients, others = jax.grad(loss, has_aux=True)(trainable, others, images, labels)
        trainable, own = optimizer.stateless_apply(own, gradients, trainable)
        return trainable, others, own

    compiled = jax.jit(changed, donate_argnums=0)
    parts = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    state = tuple([jax.numpy.copy(variable.value) for variable in part] for part in parts)

    def step():
        nonlocal state
        state = compiled(state, images, labels)
        return state

    return step


def ours_jax(net: str, job: str, batch: int):
    """Return the first outputs and the step, of a job such as `"train bfloat16"`, on JAX."""
    import jax

    job, dtype = job.split()
    model = network(net, dtype)
    images, labels = map(jax.device_put, batch_of(model, batch))
    values = [
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]
    predict = jax.jit(lambda *given: model.stateless_call(*given, training=False)[0])
    outputs = floats(predict(*values, images))
    if job == "forward":
        return outputs, repeated(lambda: predict(*values, images))
    return outputs, repeated(raw_step(model, images, labels))


def ours_torch(net: str, job: str, batch: int, compiled: bool):
    """Return the same on the PyTorch backend, where training is `train_on_batch`."""
    import torch

    tensor_cores()
    job, dtype = job.split()
    model = network(net, dtype)
    images, labels = map(ops.convert_to_tensor, batch_of(model, batch))

    def predict():
        with torch.no_grad():
            return model(images, training=False)

    outputs = floats(predict())
    if job == "forward":
        return outputs, repeated(torch.compile(predict) if compiled else predict)
    model.compile(sgd(), "sparse_categorical_crossentropy", jit_compile=compiled)
    return outputs, repeated(lambda: model.train_on_batch(images, labels))


def tensor_cores() -> None:
    """Let PyTorch multiply float32 in TF32, as XLA does of itself; only on a GPU."""
    import torch

    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


def plain_network(net: str):
    """Return the network in plain PyTorch, with the weights that all sides have."""
    if net in networks.CONVS:
        from peers.torch_sides import Net, load

        model = Net(net)
        load(model)
        return model
    return cifar_sides.network(get_variant(net), AlexNet(net))


def plain(net: str, job: str, batch: int, compiled: bool, channels_last: bool):
    """Return the first outputs and the step of plain PyTorch, in one of its memory formats."""
    import torch
    from torch.nn import functional

    tensor_cores()
    job, dtype = job.split()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    memory = torch.channels_last if channels_last else torch.contiguous_format
    model = plain_network(net).to(device, memory_format=memory)
    images, labels = batch_of(AlexNet(net), batch)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(device).contiguous(memory_format=memory)
    labels = torch.from_numpy(labels).long().to(device)
    cast = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")
    run = torch.compile(model) if compiled else model

    def forward(run=run):
        with torch.no_grad(), cast:
            return functional.softmax(run(x), dim=-1)

    outputs = forward(model.eval())[:2].float().cpu().numpy()
    if job == "forward":
        return outputs, repeated(forward)
    train = training_step(model.train(), run, cast)
    return outputs, repeated(lambda: train(x, labels))


def training_step(model, run, cast):
    """Return a step of plain PyTorch on images and labels; `run` is the model, or it compiled."""
    import torch

    settings = {"fused": True} if torch.cuda.is_available() else {}
    rates = networks.LEARNING_RATE, networks.MOMENTUM
    optimizer = torch.optim.SGD(model.parameters(), *rates, **settings)

    def step(x, labels):
        optimizer.zero_grad(set_to_none=True)
        with cast:
            loss = torch.nn.functional.cross_entropy(run(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def curve(net: str, job: str, batch: int):
    """Return the peak memory, in GB, and the step for batches of growing size, which take turns.

    The job is such as `"train 1,8,64"`: the most that a process has held so far is what the largest
    batch so far needs.
    """
    from cost_growth import prepared

    if keras.backend.backend() == "torch":
        tensor_cores()
    job, sizes = job.split()
    model = AlexNet(net, initialization="robust")
    step = prepared(model, job)
    host = [batch_of(model, int(size)) for size in sizes.split(",")]
    gigabytes = []
    for arrays in host:
        tensors = [ops.convert_to_tensor(array) for array in arrays]
        for _ in range(2):
            step(*tensors)
        del tensors
        memory = peak_memory()
        gigabytes.append(memory.get("device", memory["host"]) / 1e9)
    turns = itertools.cycle([[ops.convert_to_tensor(array) for array in arrays] for arrays in host])

    def timed():
        """Take steps with the batch whose turn it is."""
        tensors = next(turns)
        for _ in range(STEPS):
            step(*tensors)

    return np.array([gigabytes]), timed
