"""The TensorFlow 1 benchmark notebook's network, as a graph in a session of `tf.compat.v1`."""

from peers import networks


def side(net: str, job: str, batch: int):
    """Return the first outputs and the step of the program in its own style."""
    import tensorflow as tf

    assert net == "notebook", "the program builds one network"
    v1 = tf.compat.v1
    v1.disable_eager_execution()
    values = networks.weights(net)
    images, _ = networks.batch(batch)
    radius, k, alpha, beta = networks.NORMS[net]
    parameters = []

    def variables(name):
        found = [v1.Variable(v1.placeholder(value.dtype, value.shape)) for value in values[name]]
        parameters.extend(found)
        feeds.update({v.initial_value: value for v, value in zip(found, values[name], strict=True)})
        return found

    pixels = v1.placeholder("float32", images.shape)
    feeds = {pixels: images}
    x = start = v1.Variable(pixels)
    for number, (_, strides, *_) in enumerate(networks.CONVS[net], 1):
        kernel, bias = variables(f"conv{number}")
        x = v1.nn.conv2d(x, kernel, [1, strides, strides, 1], "SAME")
        x = v1.nn.relu(v1.nn.bias_add(x, bias))
        if number <= 2:
            x = v1.nn.lrn(x, radius, bias=k, alpha=alpha, beta=beta)
        if number in networks.POOLED:
            x = v1.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "VALID")
    x = v1.reshape(x, [batch, -1])
    for number in (6, 7, 8):
        kernel, bias = variables(f"fc{number}")
        x = v1.matmul(x, kernel) + bias
        x = v1.nn.softmax(x) if number == 8 else v1.nn.relu(x)
    target = {
        "forward": x,
        "forward-backward": v1.gradients(v1.nn.l2_loss(x), parameters),
    }[job]
    session = v1.Session()
    session.run([v.initializer for v in (start, *parameters)], feeds)
    return session.run(x), lambda: session.run(target)
