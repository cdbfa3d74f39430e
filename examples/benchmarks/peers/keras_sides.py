"""This package's networks, and the straightforward Keras build of the same."""

import keras
import numpy as np

from keras_alexnet import AlexNet, CoupledSGD
from keras_alexnet.benchmarking.passes import forward, forward_backward
from peers import networks

OPTIMIZERS = {  # the same steps: one pass over memory is five of Keras's on TensorFlow
    "SGD": lambda: keras.optimizers.SGD(networks.LEARNING_RATE, networks.MOMENTUM),
    "CoupledSGD": lambda: CoupledSGD(networks.LEARNING_RATE, networks.MOMENTUM, groups=()),
}


def ours(net: str, job: str, batch: int, compiled: bool, optimizer: str = "SGD"):
    """Return the first outputs and the step of this package's network."""
    return _outputs_and_step(AlexNet(net), net, job, batch, compiled, optimizer=optimizer)


def straightforward(net: str, job: str, batch: int, compiled: bool):
    """Return the same for plain Keras layers, groups and TensorFlow's normalization included."""
    import tensorflow as tf

    layers = keras.layers
    x = image = keras.Input((224, 224, 3))
    for number, (kernel, strides, padding, groups, filters) in enumerate(networks.CONVS[net], 1):
        same = strides == 1 or padding == "same"
        if not same:
            x = layers.ZeroPadding2D((padding, padding))(x)
        settings = {"padding": "same" if same else "valid", "groups": groups, "activation": "relu"}
        x = layers.Conv2D(filters, kernel, strides, name=f"conv{number}", **settings)(x)
        if number <= 2 and networks.NORMS[net]:
            radius, k, alpha, beta = networks.NORMS[net]
            constants = {"depth_radius": radius, "bias": k, "alpha": alpha, "beta": beta}
            x = layers.Lambda(tf.nn.local_response_normalization, arguments=constants)(x)
        if number in networks.POOLED:
            x = layers.MaxPooling2D(3, 2)(x)
    x = layers.Flatten()(x)
    for number, units in enumerate(networks.UNITS, 6):
        last = number == 8
        if networks.DROPS[net] == "before" and not last:
            x = layers.Dropout(0.5)(x)
        x = layers.Dense(units, "softmax" if last else "relu", name=f"fc{number}")(x)
        if networks.DROPS[net] == "after" and not last:
            x = layers.Dropout(0.5)(x)
    # The 2012 dropout halves what fc7 and fc8 take at test time; Keras's does not.
    halved = ("fc7", "fc8") if networks.DROPS[net] == "after" else ()
    return _outputs_and_step(keras.Model(image, x), net, job, batch, compiled, halved)


def _outputs_and_step(model, net, job, batch, compiled, halved=(), optimizer="SGD"):
    for name, (kernel, bias) in networks.weights(net).items():
        kernel = kernel * np.float32(0.5) if name in halved else kernel
        model.get_layer(name).set_weights([kernel, bias])
    images, labels = networks.batch(batch)
    if job != "train":
        run = {"forward": forward, "forward-backward": forward_backward}[job]
        outputs = forward(model, images, compiled)()
        return keras.ops.convert_to_numpy(outputs), run(model, images, compiled)
    outputs = model.predict_on_batch(images)
    model.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy", jit_compile=compiled)
    if keras.backend.backend() == "torch":  # as `fit` hands them over: the compiler takes no arrays
        images, labels = map(keras.ops.convert_to_tensor, (images, labels))
    return outputs, lambda: model.train_on_batch(images, labels)
