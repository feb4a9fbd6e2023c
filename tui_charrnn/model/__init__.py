"""The model file: tensors, shapes, header and metadata of a trained model."""
