"""What the reader sees: each widget takes values and draws them."""
