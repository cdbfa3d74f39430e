"""What stands before the network: windows, mirroring and noise on the device, and `fit`."""

import keras
import numpy as np

from keras_alexnet import PCAColorNoise, RandomCropFlip, training_preprocessor
from peers import gpu_networks
from peers.gpu_names import EPOCH, STEPS

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of owt, in 255ths, RGB
MARGIN = 32  # images of 256 x 256 for windows of 224 x 224


def host(model, batch: int):
    """Return an epoch of uint8 images, and their labels, in the memory of the host."""
    size, channels = model.input_shape[1:3], model.output_shape[-1]
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (batch, size[0] + MARGIN, size[1] + MARGIN, 3), dtype="uint8")
    labels = rng.integers(0, channels, batch * EPOCH, dtype="int32")
    return np.concatenate([images] * EPOCH), labels


def whole(net: str, dtype: str):
    """Return the network with the layers before it, which takes uint8 images."""
    inner = gpu_networks.network(net, dtype)
    side = inner.input_shape[1]
    image = x = keras.Input((side + MARGIN, side + MARGIN, 3), dtype="uint8")
    settings = {"seed": 1, "data_format": "channels_last"}
    *_, noise, pixels = training_preprocessor("owt", color_noise=0.1, **settings).layers
    for layer in (RandomCropFlip(side, side, **settings), noise, pixels):
        x = layer(x)
    return keras.Model(image, inner(x)), inner


def fitted(net: str, job: str, batch: int, executions: int):
    """Return the first outputs, and an epoch of `fit` on arrays in the memory of the host."""
    if keras.backend.backend() == "torch":
        gpu_networks.tensor_cores()
    model, inner = whole(net, job.split()[1])
    images, labels = host(inner, batch)
    outputs = gpu_networks.floats(model(images[:2], training=False))
    model.compile(
        gpu_networks.sgd(),
        "sparse_categorical_crossentropy",
        jit_compile=keras.backend.backend() == "jax",
        steps_per_execution=executions,
    )
    return outputs, lambda: model.fit(images, labels, batch, verbose=0)


def on_the_device(net: str, job: str, batch: int):
    """Return the first outputs, and as many training steps on a batch that lies on the device."""
    model, inner = whole(net, job.split()[1])
    arrays = [array[:batch] for array in host(inner, batch)]
    images, labels = map(keras.ops.convert_to_tensor, arrays)
    outputs = gpu_networks.floats(model(images[:2], training=False))
    if keras.backend.backend() == "jax":
        step = gpu_networks.raw_step(model, images, labels)
    else:
        gpu_networks.tensor_cores()
        loss = "sparse_categorical_crossentropy"
        model.compile(gpu_networks.sgd(), loss, jit_compile=False)

        def step():
            return model.train_on_batch(images, labels)

    return outputs, gpu_networks.repeated(step, EPOCH)


def layers(net: str, job: str, batch: int, own: bool):
    """Return nothing to compare, and the augmentation of a batch, whose windows are checked."""
    import augmentation

    images = augmentation.coordinates(batch)
    made = augmentation.ours if own else augmentation.keras_own
    bare = augmentation.ours(noise=False) if own else made()
    windows = augmentation.as_in_fit(bare, images)()
    augmentation.check(images, keras.ops.convert_to_numpy(windows), own_places=own)
    return np.zeros((1, 1)), augmentation.as_in_fit(made(), images, STEPS)


def windows_of(x, size: int, axes, strength: float = 0.1):
    """Return windows of uint8 images in plain PyTorch: mirrored or not, with colour noise."""
    import torch

    count, device = len(x), x.device
    offsets = torch.randint(0, x.shape[1] - size + 1, (2, count, 1), device=device)
    places = torch.arange(size, device=device)
    mirrored = torch.rand(count, 1, device=device) < 0.5
    rows = offsets[0] + places
    columns = offsets[1] + torch.where(mirrored, size - 1 - places, places)
    images = torch.arange(count, device=device)[:, None, None]
    windows = x[images, rows[:, :, None], columns[:, None, :]]
    if not strength:
        return windows
    colour = strength * torch.randn(count, 3, device=device) @ axes.T
    return (windows + colour[:, None, None]) / (1 + strength)


def noise_axes(device):
    """Return the axes of the colour noise, each as long as its deviation."""
    import torch

    layer = PCAColorNoise()
    return torch.tensor(layer.axes * layer.deviations, dtype=torch.float32, device=device)


def windows_by_hand(net: str, job: str, batch: int, compiled: bool):
    """Return the same as `layers` in plain PyTorch, as a user writes it."""
    import torch

    import augmentation

    device = "cuda" if torch.cuda.is_available() else "cpu"
    images = augmentation.coordinates(batch)
    x, axes = torch.from_numpy(images).to(device), noise_axes(device)
    windows = windows_of(x, augmentation.WINDOW, axes, strength=0)
    augmentation.check(images, windows.cpu().numpy(), own_places=True)
    run = torch.compile(windows_of) if compiled else windows_of
    step = gpu_networks.repeated(lambda: run(x, augmentation.WINDOW, axes))
    return np.zeros((1, 1)), step


def by_hand(net: str, job: str, batch: int):
    """Return the same as `fitted` in plain PyTorch: its best form, and copies that run ahead."""
    import torch
    from torch.nn import functional

    gpu_networks.tensor_cores()
    template = keras_shapes(net)
    size = template.input_shape[1]
    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    model = gpu_networks.plain_network(net).to(device, memory_format=torch.channels_last)
    images, labels = map(torch.from_numpy, host(template, batch))
    mean, deviation = (torch.tensor(row, device=device) for row in (MEAN, DEVIATION))
    axes = noise_axes(device)
    cast = torch.autocast(device, torch.bfloat16, enabled=job.split()[1] == "bfloat16")
    half = MARGIN // 2

    def run(windows):
        return model(((windows / 255 - mean) / deviation).permute(0, 3, 1, 2))

    def network(x):
        return run(windows_of(x, size, axes))

    model.eval()
    with torch.no_grad(), cast:
        centre = images[:2, half : half + size, half : half + size].to(device)
        outputs = functional.softmax(run(centre), dim=-1)

    step = gpu_networks.training_step(model.train(), torch.compile(network), cast)

    def epoch():
        for x, y in copied_ahead(images, labels.long(), batch, cuda):
            step(x, y)
        if cuda:
            torch.cuda.synchronize()

    return outputs.float().cpu().numpy(), epoch


def keras_shapes(net: str):
    """Return a model of this package, for its shapes alone."""
    from keras_alexnet import AlexNet

    return AlexNet(net)


def copied_ahead(images, labels, batch: int, cuda: bool):
    """Yield shuffled batches on the device, copied beside the computation from pinned memory."""
    import torch

    if not cuda:
        for index in torch.randperm(len(images)).split(batch):
            yield images[index], labels[index]
        return
    stream = torch.cuda.Stream()
    shape = (batch, *images.shape[1:])
    pinned = [torch.empty(shape, dtype=torch.uint8, pin_memory=True) for _ in range(3)]
    copied = [torch.cuda.Event() for _ in pinned]
    labels = labels.cuda()
    for number, index in enumerate(torch.randperm(len(images)).split(batch)):
        buffer, event = pinned[number % 3], copied[number % 3]
        event.synchronize()  # returns at once for a buffer that was not used yet
        torch.index_select(images, 0, index, out=buffer)
        with torch.cuda.stream(stream):
            x = buffer.cuda(non_blocking=True)
            event.record(stream)
        torch.cuda.current_stream().wait_stream(stream)
        x.record_stream(torch.cuda.current_stream())
        yield x, labels[index.cuda()]
