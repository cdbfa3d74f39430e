"""Timings of steps inside `fit`, and of forward and backward passes alone."""

from keras_alexnet.benchmarking.callback import BenchmarkCallback
from keras_alexnet.benchmarking.report import Report
from keras_alexnet.benchmarking.runner import benchmark
from keras_alexnet.benchmarking.timings import Timings

__all__ = ["BenchmarkCallback", "Report", "Timings", "benchmark"]
