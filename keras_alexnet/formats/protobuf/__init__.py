"""Files in protocol buffers: Caffe's and ONNX's."""
