"""What goes on inside the model, character by character: colorings, panel, neurons, originality."""
