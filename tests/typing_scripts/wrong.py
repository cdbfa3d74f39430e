"""Mistakes that mypy finds, each with the code of the error; the other lines have none."""

import keras

import keras_alexnet
from keras_alexnet import jobs

model: keras.Model = keras_alexnet.AlexNet("owt")
keras_alexnet.AlexNet(5)  # arg-type
keras_alexnet.AlexNet(["owt"])  # arg-type
keras_alexnet.AlexNet("owt", weights=3)  # arg-type
keras_alexnet.AlexNet("owt", classes="10")  # arg-type
keras_alexnet.AlexNet("owt", pooling="average")  # arg-type
keras_alexnet.AlexNet("owt", data_format="NHWC")  # arg-type
keras_alexnet.AlexNet("owt", initialization="he")  # arg-type
keras_alexnet.AlexNet("owt", colour="rgb")  # call-arg
keras_alexnet.get_variant(None)  # arg-type
keras_alexnet.get_checkpoint(1)  # arg-type
keras_alexnet.get_recipe(b"paper")  # arg-type
keras_alexnet.LocalResponseNormalization("5")  # arg-type
keras_alexnet.LocalResponseNormalization(region="channels")  # arg-type
keras_alexnet.LocalResponseNormalization.from_torch(None)  # arg-type
keras_alexnet.LocalResponseNormalization.from_caffe(norm_region="within_channel")  # arg-type
keras_alexnet.LocallyConnected2D(8, "3")  # arg-type
keras_alexnet.RandomCropFlip(224)  # call-arg
keras_alexnet.RandomCropFlip(224, None)  # arg-type
keras_alexnet.PCAColorNoise(dialect="2012")  # arg-type
keras_alexnet.TenCrop("224", 224)  # arg-type
keras_alexnet.training_preprocessor(5)  # arg-type
keras_alexnet.evaluation_preprocessor("owt", image_size="224")  # arg-type
keras_alexnet.image_folder(1)  # arg-type
keras_alexnet.image_folder("photos", subset="train")  # arg-type
keras_alexnet.decode_predictions(0, top="5")  # arg-type
keras_alexnet.feature_extractor(model, 7)  # arg-type
keras_alexnet.multi_crop_model(model, "ten")  # arg-type
keras_alexnet.CoupledSGD(groups=1)  # arg-type
keras_alexnet.CoupledSGD(velocity="nesterov")  # arg-type
keras_alexnet.ReduceOnPlateau(times="3")  # arg-type
keras_alexnet.BenchmarkCallback(path=1)  # arg-type
keras_alexnet.FlatLossWarning(steps="9")  # arg-type
keras_alexnet.load_checkpoint(model, None)  # arg-type
keras_alexnet.load_checkpoint(model, "a.pth", verify=True)  # arg-type
keras_alexnet.convert_checkpoint("a.pth")  # call-arg
keras_alexnet.benchmark(model, "32")  # arg-type
number: int = keras_alexnet.describe(model).name  # assignment
jobs.evaluate("model.keras", None)  # arg-type
jobs.classify(["1.jpg", 2], weights="imagenet")  # list-item
jobs.check_images("photos", verbose="no")  # arg-type
jobs.download("bvlc_caffe", timeout="long")  # arg-type
jobs.fit("photos", epochs="3")  # arg-type
jobs.fit("photos", schedule="linear")  # arg-type
jobs.fit("photos", initialization="he")  # arg-type
jobs.features("photos", 7, "fc7.npy")  # arg-type
