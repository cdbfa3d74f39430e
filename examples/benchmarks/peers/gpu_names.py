"""The sides of `gpu.py` by their names, and the cases that a side with several takes in turn.

Each is (Keras's backend, module, function, arguments), as in `worker`, which has them all.
"""

STEPS = 5  # so many steps before the host waits for the device, and so many batches in a step
EPOCH = 40  # batches in an epoch of `fit`
LAYERS = tuple(  # height, width, channels, dtype of what conv1 and conv2 give the normalization
    (*shape, dtype) for shape in ((55, 55, 96), (27, 27, 256)) for dtype in ("float32", "bfloat16")
)
CEILINGS = ("product, float32", "product, bfloat16", "copy on the device", "copy to the device")

FORMS = {  # PyTorch's ways to run a network
    "PyTorch": {"compiled": False, "channels_last": False},
    "PyTorch, channels last": {"compiled": False, "channels_last": True},
    "PyTorch compiled": {"compiled": True, "channels_last": False},
    "PyTorch compiled, channels last": {"compiled": True, "channels_last": True},
}
NETWORK = {
    "ours, JAX": ("jax", "gpu_networks", "ours_jax", {}),
    "ours, PyTorch": ("torch", "gpu_networks", "ours_torch", {"compiled": False}),
    "ours, PyTorch compiled": ("torch", "gpu_networks", "ours_torch", {"compiled": True}),
    **{name: ("torch", "gpu_networks", "plain", form) for name, form in FORMS.items()},
}
FIT = {
    "ours, JAX, fit": ("jax", "gpu_input", "fitted", {"executions": 1}),
    "ours, JAX, fit, 8 steps a call": ("jax", "gpu_input", "fitted", {"executions": 8}),
    "ours, JAX, on the device": ("jax", "gpu_input", "on_the_device", {}),
    "ours, PyTorch, fit": ("torch", "gpu_input", "fitted", {"executions": 1}),
    "ours, PyTorch, on the device": ("torch", "gpu_input", "on_the_device", {}),
    "PyTorch by hand, compiled": ("torch", "gpu_input", "by_hand", {}),
}
AUGMENTATION = {
    "ours, JAX": ("jax", "gpu_input", "layers", {"own": True}),
    "ours, PyTorch": ("torch", "gpu_input", "layers", {"own": True}),
    "Keras, JAX (no noise)": ("jax", "gpu_input", "layers", {"own": False}),
    "PyTorch by hand": ("torch", "gpu_input", "windows_by_hand", {"compiled": False}),
    "PyTorch by hand, compiled": ("torch", "gpu_input", "windows_by_hand", {"compiled": True}),
}
LRN = {
    "ours, JAX": ("jax", "gpu_layers", "jax_lrn", {"own": True}),
    "ours, PyTorch": ("torch", "gpu_layers", "torch_lrn", {"own": True, "compiled": False}),
    "JAX, reduce_window": ("jax", "gpu_layers", "jax_lrn", {"own": False}),
    "PyTorch": ("torch", "gpu_layers", "torch_lrn", {"own": False, "compiled": False}),
    "PyTorch compiled": ("torch", "gpu_layers", "torch_lrn", {"own": False, "compiled": True}),
}
CEILING = {
    "JAX": ("jax", "gpu_layers", "jax_ceilings", {}),
    "PyTorch": ("torch", "gpu_layers", "torch_ceilings", {}),
}
CURVE = {"ours, JAX": ("jax", "gpu_networks", "curve", {})}
CURVE_ON_TORCH = {"ours, PyTorch": ("torch", "gpu_networks", "curve", {})}
GROUPS = {
    "ceilings": CEILING,
    "network": NETWORK,
    "fit": FIT,
    "augmentation": AUGMENTATION,
    "LRN": LRN,
    "curve": CURVE,
    "curve on PyTorch": CURVE_ON_TORCH,
}
SIDES = {
    f"{name}; {group}": side for group, sides in GROUPS.items() for name, side in sides.items()
}
