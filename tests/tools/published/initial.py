"""Published initial values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Initial:
    """Initial values of one layer.

    Weight specifications: ``("normal", std)``, ``("truncated", std)`` (cut at two standard
    deviations), ``("glorot_uniform",)``, ``("he_uniform",)`` and ``("fan_in_uniform",)``, which is
    uniform on +-1/sqrt(fan in). The bias is a constant, or "fan_in_uniform" too.
    """

    weight: tuple[str] | tuple[str, float]
    bias: float | str


def initial(names: str, weights: list[tuple], biases: list[float | str]) -> dict[str, Initial]:
    return {
        name: Initial(weight, bias)
        for name, weight, bias in zip(names.split(), weights, biases, strict=True)
    }


def normal(*stds: float) -> list[tuple[str, float]]:
    return [("normal", std) for std in stds]


def truncated(*stds: float) -> list[tuple[str, float]]:
    return [("truncated", std) for std in stds]


EIGHT = "conv1 conv2 conv3 conv4 conv5 fc6 fc7 fc8"


# The original code draws from an untruncated normal distribution (`nr.randn`). The paper, section
# 5, has one standard deviation for all layers; layers-145.cfg has 0.03 for conv3 to conv5.
INITIAL_SOURCE2012 = initial(
    EIGHT,
    normal(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),
    [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
)


INITIAL_CIFAR10_18PCT = initial("conv1 conv2 conv3 fc10", normal(1e-4, 0.01, 0.01, 0.01), [0.0] * 4)


INITIAL_CIFAR10_13PCT = initial(
    "conv1 conv2 local3 local4 fc10", normal(1e-4, 0.01, 0.04, 0.04, 0.01), [0.0] * 5
)


# Initial values of every layer with weights, from the sources of the tables above.
INITIAL: dict[str, dict[str, Initial]] = {
    "paper": initial(EIGHT, normal(*[0.01] * 8), [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    "source2012": INITIAL_SOURCE2012,
    "source2012_half": INITIAL_SOURCE2012,
    "bvlc": initial(
        EIGHT,
        normal(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
        [0.0, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1, 0.0],
    ),
    "caffenet": initial(
        EIGHT,
        normal(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
        [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    ),
    # PyTorch's defaults for Conv2d and Linear.
    "owt": initial(EIGHT, [("fan_in_uniform",)] * 8, ["fan_in_uniform"] * 8),
    "cuda_convnet2": initial(
        EIGHT,
        normal(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),
        [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, -7.0],
    ),
    # slim.conv2d draws its weights by Xavier; alexnet_v2 truncates a normal distribution for fc6 to
    # fc8, and its argument scope sets all biases but the last to 0.1.
    "slim_v2": initial(
        EIGHT,
        [("glorot_uniform",)] * 5 + truncated(0.005, 0.005, 0.005),
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0],
    ),
    "notebook": initial(EIGHT, truncated(0.1, 0.1, 0.1, 0.1, 0.1, 0.04, 0.001, 0.01), [0.0] * 8),
    # `_init_params` there treats the convolutions alone; Linear keeps PyTorch's default.
    "ungrouped": initial(
        EIGHT,
        [("he_uniform",)] * 5 + [("fan_in_uniform",)] * 3,
        [0.0] * 5 + ["fan_in_uniform"] * 3,
    ),
    "cifar10_18pct": INITIAL_CIFAR10_18PCT,
    "cifar10_19pct": INITIAL_CIFAR10_18PCT,
    "cifar10_80sec": initial(
        "conv1 conv2 conv3 fc64 fc10", normal(1e-4, 0.01, 0.01, 0.1, 0.1), [0.0] * 5
    ),
    "cifar10_11pct": INITIAL_CIFAR10_13PCT,
    "cifar10_13pct": INITIAL_CIFAR10_13PCT,
}
