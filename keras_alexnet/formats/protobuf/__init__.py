"""Protocol buffers: the files of Caffe and ONNX."""
