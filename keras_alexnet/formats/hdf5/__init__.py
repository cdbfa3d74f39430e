"""HDF5 files, as h5py and Keras write them."""
