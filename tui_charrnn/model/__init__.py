"""What a trained model is on disk: its tensors and the one file that holds them."""
