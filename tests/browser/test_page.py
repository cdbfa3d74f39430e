"""The page of examples/browser in Chromium: a picture in, its five most probable classes out."""

import json

import numpy as np
import pytest
from PIL import Image

import chromium
from browser_page import link_page, message, shown
from static_server import serving

pytestmark = [pytest.mark.backend_free, pytest.mark.peer("chromium", "onnxruntime-web", "onnx")]

NAMES = ["n02123045_tabby", "n02124075_Egyptian_cat", "red", "green", "blue", "gray"]
KERNEL = np.random.default_rng(0).normal(0, 2, (3, len(NAMES))).astype("float32")


def network(path, names=NAMES, dtype="UINT8"):
    """Write a network that tells images of any size by the mean colour of their first row."""
    import onnx
    from onnx import helper

    image = helper.make_tensor_value_info(
        "image", getattr(onnx.TensorProto, dtype), ["batch", "rows", "columns", 3]
    )
    output = helper.make_tensor_value_info("prob", onnx.TensorProto.FLOAT, ["batch", len(NAMES)])
    nodes = [
        helper.make_node("Cast", ["image"], ["values"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Slice", ["values", "first", "second", "second"], ["row"]),
        helper.make_node("ReduceMean", ["row"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "kernel"], ["sum"]),
        helper.make_node("Mul", ["sum", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["prob"], axis=1),
    ]
    weights = [
        onnx.numpy_helper.from_array(KERNEL, "kernel"),
        onnx.numpy_helper.from_array(np.asarray(1 / 256, "float32"), "scale"),
        onnx.numpy_helper.from_array(np.asarray([0]), "first"),  # of the axis 1, up to the second
        onnx.numpy_helper.from_array(np.asarray([1]), "second"),
    ]
    graph = helper.make_graph(nodes, "colours", [image], [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"class_names": json.dumps(names)} if names else {})
    onnx.save(model, str(path))


def expected(image):
    """Return the (class, probability) pairs that NumPy gives for an image, the best five."""
    logits = image[0].mean(0) @ KERNEL / 256
    probabilities = np.exp(logits) / np.exp(logits).sum()
    return [(int(i), probabilities[i]) for i in np.argsort(-probabilities)[:5]]


def assert_shown(page, name, image):
    """Compare the page's five classes of a picture with NumPy's."""
    found, names = shown(page, name)
    assert [index for index, _ in found] == [index for index, _ in expected(image)]
    assert [p for _, p in found] == pytest.approx([p for _, p in expected(image)], abs=1e-5)
    return names


@pytest.fixture(scope="module")
def page():
    with chromium.page() as page:
        yield page


@pytest.fixture
def site(tmp_path):
    """Yield a folder with the page's files, and its address."""
    link_page(tmp_path)
    network(tmp_path / "model.onnx")
    with serving(tmp_path) as address:
        yield tmp_path, address


def drawn(path, rows, columns, seed=1):
    """Write noise as a picture without loss, and return its pixels."""
    image = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), "uint8")
    image[:, :, seed % 3] //= 2
    Image.fromarray(image).save(path)
    return image


@pytest.mark.medium
def test_a_picture_in_the_address(site, page):
    """Its pixels are those of the file, and the names those that the file of the network has."""
    folder, address = site
    image = drawn(folder / "noise.png", 37, 61)
    page.open(f"{address}?image=noise.png")
    names = assert_shown(page, "noise.png", image)
    plain = ["tabby", "Egyptian cat", *NAMES[2:]]
    assert names == [plain[index] for index, _ in expected(image)]


@pytest.mark.medium
def test_pictures_that_a_person_picks(site, page, tmp_path):
    """One after the other, of any size; what is no picture is refused, and the next one works."""
    _, address = site
    page.open(address)
    page.wait_for("document.body.dataset.state == 'idle'")
    for number, (rows, columns) in enumerate([(300, 200), (1, 5)]):
        image = drawn(tmp_path / f"{number}.png", rows, columns, seed=number)
        page.choose_file("#file", tmp_path / f"{number}.png")
        assert_shown(page, f"{number}.png", image)
    (tmp_path / "notes.jpg").write_text("no picture")
    page.choose_file("#file", tmp_path / "notes.jpg")
    assert message(page) == (
        "Received notes.jpg, which is no picture. The browser reads JPEG, PNG, WebP and GIF. "
        "Choose another file."
    )
    page.choose_file("#file", tmp_path / "1.png")
    assert_shown(page, "1.png", image)


@pytest.mark.medium
def test_pictures_are_upright_and_on_white(site, page, tmp_path):
    """As `image_folder` decodes them: the orientation counts, transparent pixels are white."""
    _, address = site
    clear = np.zeros((8, 8, 4), "uint8")
    Image.fromarray(clear).save(tmp_path / "clear.png")
    page.open(address)
    page.choose_file("#file", tmp_path / "clear.png")
    assert_shown(page, "clear.png", np.full((8, 8, 3), 255, "uint8"))
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (32, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # it lies on its side: its first column is the first row
    picture.save(tmp_path / "turned.png", exif=exif)
    page.choose_file("#file", tmp_path / "turned.png")
    assert_shown(page, "turned.png", np.full((64, 32, 3), (255, 0, 0), "uint8"))


@pytest.mark.medium
def test_a_network_without_names_of_its_classes(site, page):
    """Numbers stand for them, and the page says so by calling them classes."""
    folder, address = site
    network(folder / "nameless.onnx", names=None)
    image = drawn(folder / "noise.png", 20, 30)
    page.open(f"{address}?image=noise.png&model=nameless.onnx")
    names = assert_shown(page, "noise.png", image)
    assert names == [f"class {index}" for index, _ in expected(image)]


MISTAKES = {
    "missing": (
        "model=none.onnx",
        "Received no file none.onnx (404). The exported network must lie there. Make it with: "
        "keras-alexnet export MODEL --format onnx --preprocessing --output model.onnx",
    ),
    "text": ("model=classify.js", "Received a file classify.js that ONNX Runtime cannot open ("),
    "cut": ("model=cut.onnx", "Received a file cut.onnx that ONNX Runtime cannot open ("),
    "floats": (
        "model=floats.onnx",
        "Received a network that takes float32 of the shape (batch,rows,columns,3). It must take "
        "uint8 images of any size, with the preprocessing inside. Make it with: keras-alexnet",
    ),
    "elsewhere": (
        "model=https://example.com/model.onnx",
        "Received model=https://example.com/model.onnx. The network must lie on the server of "
        "this page. Copy it there.",
    ),
    "picture": (
        "image=none.png",
        "Received no picture none.png. It must lie beside this page. Choose another one.",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_said_in_words(site, page, mistake):
    folder, address = site
    network(folder / "floats.onnx", dtype="FLOAT")
    (folder / "cut.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-20])
    query, words = MISTAKES[mistake]
    page.open(f"{address}?{query}")
    assert message(page).startswith(words)
    page.wait_for("document.getElementById('progress').hidden")  # once it has all


@pytest.mark.medium
def test_a_runtime_that_was_not_installed(site, page):
    folder, address = site
    (folder / "node_modules").unlink()
    page.open(address)
    assert message(page) == (
        "Received no ONNX Runtime Web from the folder node_modules. It must lie beside this page. "
        "Run npm install in the folder of this page, and reload it."
    )


@pytest.mark.medium
def test_the_page_works_by_keyboard_and_says_what_it_does(site, page):
    """Tab reaches the input of the file, which has a name; what the page says is announced."""
    _, address = site
    page.open(address)
    page.press("Tab", 9)
    assert page.wait_for("document.activeElement.id") == "file"
    assert page.value("document.activeElement.labels[0].innerText.trim()").startswith("Choose")
    assert page.value("document.getElementById('status').getAttribute('role')") == "status"
