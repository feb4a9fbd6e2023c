"""Characters per second of generation, each contender a process of its own."""
