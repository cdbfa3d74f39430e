"""Models with our layers, exported by Keras: the files compute what the models do."""

import io

import keras
import numpy as np
import pytest

from exporting import ask_from
from helpers import BACKEND, tensor, to_numpy
from keras_alexnet import AlexNet, RandomCropFlip, layers
from keras_alexnet.layers import LocalResponseNormalization
from keras_alexnet.operations import pooling
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.preprocessing import PixelNormalization, SquareResize

STRONG = {"k": 1.0, "alpha": 0.1}  # what a window sums up to halves the value


def every_layer():
    """Return a model as a user may write it, with every layer that has operations of its own."""
    return keras.Sequential(
        [
            keras.Input((21, 23, 4)),
            layers.Conv2D(8, 3, groups=2, activation="relu"),
            LocalResponseNormalization(5, **STRONG, groups=2),
            layers.MaxPooling2D(3, 2),
            LocalResponseNormalization(4, **STRONG, beta=0.6),
            layers.CeilPooling2D(3, 2),
            LocalResponseNormalization(3, **STRONG, region="within_channel"),
            layers.CeilPooling2D(3, 2, "average"),
            layers.AdaptiveAveragePooling2D(2),
            layers.LocallyConnected2D(3, 2),
            layers.DownscaledDropout(0.5),
            keras.layers.Flatten(),
            layers.Dropout(0.5),
            keras.layers.Dense(5),
        ]
    )


def network():
    """Return a published network with normalization."""
    options = {"classifier_activation": None, "initialization": "robust"}
    return AlexNet("cifar10_18pct", input_shape=(16, 16, 3), **options)


def with_preprocessing():
    """Return a model that takes photos of whole numbers."""
    return keras.Sequential(
        [
            keras.Input((20, 24, 3), dtype="uint8"),
            SquareResize(16, "warp"),
            RandomCropFlip(12, 12),
            PixelNormalization((120.0, 115.0, 100.0), std=60.0, order="bgr"),
            LocalResponseNormalization(3, **STRONG),
        ]
    )


MODELS = {"every layer": every_layer, "network": network, "preprocessing": with_preprocessing}


every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


@pytest.fixture(autouse=True)
def _own_pooling(monkeypatch):
    """Pool small maps as large ones, for which most backends' own gradient is slow."""
    monkeypatch.setattr(pooling, "slow_max_pool", lambda values: BACKEND != "torch")


def images(model, count):
    """Return photos, or noise for which the normalizations are no identity, for a model."""
    shape, dtype = (count, *model.input_shape[1:]), model.inputs[0].dtype
    rng = np.random.default_rng(count)
    values = rng.integers(0, 256, shape) if shape[-1] == 3 else rng.normal(0, 2, shape)
    return values.astype(dtype)


def assert_computes(run, model, tolerance=1e-5):
    """Compare what a function of an array computes of one image, and of three, with the model."""
    for count in (1, 3):
        x = images(model, count)
        y = model.predict_on_batch(x)
        assert np.std(y) > 0
        np.testing.assert_allclose(run(x), y, rtol=0, atol=tolerance * np.abs(y).max())


def in_onnx_runtime(model, folder):
    """Return a function of an array: ONNX Runtime with the file that Keras exports."""
    import onnxruntime

    path = str(folder / "model.onnx")
    model(tensor(images(model, 1)))  # Keras exports no model that was never called
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


if BACKEND == "tensorflow":
    import tensorflow as tf

    def must_compile(graph):
        """Return the names of what a graph, or a function in it, lets XLA alone compute."""
        definition = graph.as_graph_def()
        functions = definition.library.function
        nodes = [*definition.node, *(node for function in functions for node in function.node_def)]
        return [
            part.name if hasattr(part, "name") else part.signature.name
            for part in (*nodes, *functions)
            if "_XlaMustCompile" in part.attr and part.attr["_XlaMustCompile"].b
        ]

    def traced_graph(model):
        """Return the graph that `predict` or a step of training would run."""
        spec = tf.TensorSpec((None, *model.input_shape[1:]), model.inputs[0].dtype)
        function = tf.function(lambda x: model(x, training=False), autograph=False)
        return function.get_concrete_function(spec).graph

    @pytest.mark.long
    @every_model
    def test_saved_model_needs_no_xla(make, tmp_path):
        """A server without XLA can run the file, with batches of any size."""
        model = make()
        model.export(str(tmp_path), verbose=False)
        loaded = tf.saved_model.load(str(tmp_path))
        graph = loaded.signatures["serving_default"].graph
        assert must_compile(graph) == []
        assert_computes(lambda x: loaded.serve(x).numpy(), model)

    def by_archive(model, path):
        archive = keras.export.ExportArchive()
        spec = keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="float32")
        archive.track_and_add_endpoint("serve", model, [spec])
        archive.write_out(path, verbose=False)

    @pytest.mark.medium
    @pytest.mark.parametrize("save", [by_archive, tf.saved_model.save])
    def test_other_ways_to_a_saved_model(save, tmp_path):
        """Keras's archive and TensorFlow's own function trace a model on other ways."""
        model = keras.Sequential([keras.Input((5, 6, 4)), LocalResponseNormalization(3, **STRONG)])
        save(model, str(tmp_path))
        loaded = tf.saved_model.load(str(tmp_path))
        serve = loaded.signatures["serving_default"]
        assert must_compile(serve.graph) == []
        assert_computes(lambda x: next(iter(serve(tf.constant(x)).values())).numpy(), model)

    @pytest.mark.medium
    @pytest.mark.filterwarnings("ignore:(?s).*tf.lite.Interpreter is deprecated:UserWarning")
    def test_litert(tmp_path):
        """TensorFlow's converter of models takes them as well."""
        model = keras.Sequential([keras.Input((5, 6, 4)), LocalResponseNormalization(3, **STRONG)])
        converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        interpreter = tf.lite.Interpreter(model_content=converted)
        inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

        def run(x):
            interpreter.resize_tensor_input(inputs["index"], x.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(inputs["index"], x)
            interpreter.invoke()
            return interpreter.get_tensor(outputs["index"])

        assert_computes(run, model)

    @pytest.mark.medium
    @pytest.mark.peer("onnxruntime", "tf2onnx")
    @pytest.mark.filterwarnings(r"ignore:.*`np\.object` will:FutureWarning")  # tf2onnx asks for it
    @every_model
    def test_onnx(make, tmp_path):
        """ONNX Runtime runs the file, with batches of any size."""
        model = make()
        assert_computes(in_onnx_runtime(model, tmp_path), model)

    class Broken(keras.layers.Layer):
        """A layer that cannot be exported."""

        def call(self, inputs):
            if is_exporting.plain():
                raise RuntimeError("This layer is broken.")
            return inputs

    @pytest.mark.medium
    def test_nothing_stays_switched(tmp_path):
        """After an export, and after one that failed, what is traced has its fast operations."""
        normalization = LocalResponseNormalization(3, **STRONG)
        model = keras.Sequential([keras.Input((9, 9, 4)), normalization, layers.MaxPooling2D(3, 2)])
        assert len(must_compile(traced_graph(model))) >= 2
        model.export(str(tmp_path / "right"), verbose=False)
        assert len(must_compile(traced_graph(model))) >= 2
        broken = keras.Sequential([*model.layers, Broken()])
        broken.build((None, 9, 9, 4))
        with pytest.raises(RuntimeError, match="This layer is broken"):
            broken.export(str(tmp_path / "broken"), verbose=False)
        assert len(must_compile(traced_graph(model))) >= 2

elif BACKEND == "jax":
    import jax

    @pytest.mark.long
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how Keras calls JAX
    def test_saved_model(tmp_path):
        """TensorFlow runs what JAX has traced."""
        import tensorflow as tf

        model = every_layer()
        model.export(str(tmp_path), verbose=False)
        loaded = tf.saved_model.load(str(tmp_path))
        assert_computes(lambda x: loaded.serve(x).numpy(), model)

    def test_max_pooling_is_one_operation():
        """The converter to ONNX would make a gather of each slice."""
        pool, x = layers.MaxPooling2D(3, 2), np.zeros((1, 9, 9, 4), "float32")

        def trace():
            return str(jax.make_jaxpr(lambda x: pool(x))(x))

        assert "reduce_window_max" not in trace()
        assert "reduce_window_max" in ask_from("jax2onnx.convert", trace)

else:
    import torch

    # PyTorch warns that it has newer ways, and of every size that it finds: ours do not change.
    tracer = pytest.mark.filterwarnings(
        "ignore::DeprecationWarning",
        "ignore::torch.jit.TracerWarning",
        "ignore:Constant folding:UserWarning",
    )

    @pytest.mark.medium
    @tracer
    @every_model
    def test_torchscript(make):
        """A trace holds no function of Python, nor anything that is done in place, in any batch."""
        model = make()
        file = io.BytesIO()
        torch.jit.save(torch.jit.trace(model, (tensor(images(model, 2)),)), file)
        file.seek(0)
        loaded = torch.jit.load(file)
        assert_computes(lambda x: to_numpy(loaded(tensor(x))), model)

    @pytest.mark.medium
    @tracer
    @pytest.mark.peer("onnxruntime")
    @every_model
    def test_onnx(make, tmp_path):
        """ONNX Runtime runs the file, with batches of any size."""
        model = make()
        assert_computes(in_onnx_runtime(model, tmp_path), model)

    @pytest.mark.long
    def test_exported_program(tmp_path):
        """So does a program of `torch.export`, if the batch is left open."""
        model, path = every_layer(), str(tmp_path / "model.pt2")
        shapes = {0: torch.export.Dim("batch", min=1)}
        model.export(path, format="torch", verbose=False, dynamic_shapes=shapes)
        program = torch.export.load(path).module()
        assert_computes(lambda x: to_numpy(program(tensor(x))), model)
        operations = [line.split("(")[0] for line in program.code.splitlines()]
        # What is done in place other formats scatter, value by value.
        assert not [name for name in operations if name.endswith("_.default")]

    @pytest.mark.medium
    @pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
    def test_compiled_as_one_graph():
        """PyTorch's compiler finds nothing in a layer that it must leave to Python."""
        layer = LocalResponseNormalization(3, **STRONG)
        x = tensor(np.random.default_rng(0).normal(0, 2, (2, 5, 6, 4)).astype("float32"))
        whole = torch.compile(layer.call, backend="eager", fullgraph=True)
        np.testing.assert_allclose(to_numpy(whole(x)), to_numpy(layer(x)), rtol=1e-5)
