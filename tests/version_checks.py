"""The rows of the table of versions: what `tests/versions.py` runs in each environment.

    python tests/version_checks.py ROW...

Each row prints one line of JSON as soon as it has ended: its name, and what it returned or the
error that it raised. An error of the process itself ends the output early. The exit code is 1 if a
row has raised an error.
"""

import functools
import json
import pathlib
import sys
import traceback

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "tools"))


def keras_alexnet_imported():
    import keras_alexnet

    return keras_alexnet.__version__


@functools.cache
def network():
    """Return a small network with weights that NumPy draws: the same ones on every backend."""
    import keras_alexnet

    model = keras_alexnet.AlexNet("cifar10_18pct", classifier_activation=None)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.1, weight.shape).astype("float32"))
    return model


def images(count=8):
    return np.random.default_rng(1).uniform(-100, 100, (count, 32, 32, 3)).astype("float32")


def networks_built():
    import keras_alexnet

    count = keras_alexnet.AlexNet("paper").count_params()
    assert count == 60_965_224, count


def outputs():
    """Return what the network answers, which is compared with the other environments."""
    return network().predict(images(), verbose=0).tolist()


def arrays_fitted():
    import keras

    import keras_alexnet

    keras.utils.set_random_seed(0)
    model = keras_alexnet.AlexNet("cifar10_18pct", initialization="robust")
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(images() / 100, np.arange(8) % 2, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0], history


def saved_and_loaded():
    import keras

    network().save("saved.keras")
    again = keras.saving.load_model("saved.keras")
    expected = network().predict(images(), verbose=0)
    np.testing.assert_allclose(again.predict(images(), verbose=0), expected, rtol=1e-5)


def torch_file_loaded():
    from keras_alexnet import load_checkpoint
    from made_networks import drawn_weights, small_network, weights_of
    from weight_files import FILES

    model = small_network(groups=1)
    weights = drawn_weights(model)
    pathlib.Path("weights.pth").write_bytes(FILES["torch_zip"](weights))
    load_checkpoint(model, "weights.pth", verify="off")
    for name, arrays in weights_of(model).items():
        for ours, theirs in zip(arrays, weights[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def images_prepared():
    from keras_alexnet import evaluation_preprocessor

    photo = np.full((1, 375, 500, 3), 255, "uint8")
    prepared = evaluation_preprocessor("paper")(photo)
    expected = 255 - np.asarray([127.305, 119.715, 104.913])
    assert tuple(prepared.shape) == (1, 224, 224, 3), prepared.shape
    np.testing.assert_allclose(np.asarray(prepared)[0, 100, 100], expected, atol=0.01)


def features_read():
    from keras_alexnet import feature_extractor

    found = feature_extractor(network(), ["pool2", "fc10"]).predict(images(), verbose=0)
    assert found["pool2"].shape[-1] == 32, found["pool2"].shape


def network_timed():
    from keras_alexnet import benchmark

    report = benchmark(network(), batch_size=2, num_batches=2, burn_in=1)
    return " and ".join(timings.name.lower() for timings in report.timings)


def folder_trained():
    from PIL import Image

    from keras_alexnet import jobs
    from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images

    for number, (image, label) in enumerate(zip(*drawn_images(20, size=32), strict=True)):
        folder = pathlib.Path("drawn", CLASS_NAMES[label])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    options = {"variant": "cifar10_19pct", "epochs": 1, "batch_size": 10, "verbose": 0}
    jobs.fit("drawn", output="run", **options)
    jobs.evaluate("run/model.keras", "drawn", verbose=0)


def network_exported():
    import keras_alexnet

    keras_alexnet.export_model(network(), "network.onnx", verbose=False)


ROWS = {
    "import": keras_alexnet_imported,
    "build `paper`": networks_built,
    "forward": outputs,
    "fit arrays": arrays_fitted,
    "save, load": saved_and_loaded,
    "load a `.pth`": torch_file_loaded,
    "preprocessing": images_prepared,
    "features": features_read,
    "benchmark": network_timed,
    "fit a folder": folder_trained,
    "export to ONNX": network_exported,
}


def main():
    failed = False
    for name in sys.argv[1:]:
        try:
            result = {"row": name, "value": ROWS[name]()}
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{pathlib.Path(frame.filename).name}:{frame.lineno}"
            words = " ".join(str(error).split())
            result = {"row": name, "error": f"{type(error).__name__}: {words} ({where})"}
            failed = True
        print(json.dumps(result), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
