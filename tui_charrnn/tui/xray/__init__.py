"""The x-ray: shows the model's predictions and activations for each character of a text."""
