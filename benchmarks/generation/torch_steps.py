"""PyTorch's `nn.LSTM`, one character at a time, its state handed on."""

import sys

import torch

from benchmarks.generation.task import (
    EMBEDDING_SIZE,
    FIRST_CHARACTERS,
    TEMPERATURE,
    VOCABULARY_SIZE,
    Task,
)
from benchmarks.speed.contenders.serving import Step, serve


def build_step(task: Task) -> Step:
    """Embedding, LSTM and a linear layer, with a batch of one."""
    embedding = torch.nn.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE)
    recurrent = torch.nn.LSTM(EMBEDDING_SIZE, task.hidden_size, batch_first=True)
    output = torch.nn.Linear(task.hidden_size, VOCABULARY_SIZE)
    read, state = torch.tensor([[0]]), None

    def step(_: int) -> float:
        nonlocal read, state
        hidden, state = recurrent(embedding(read), state)
        probabilities = torch.softmax(output(hidden[0, -1]) / TEMPERATURE, dim=-1)
        read = torch.multinomial(probabilities, 1)[None]
        return float(read.item())

    return step


def main() -> None:
    """Serve."""
    torch.set_num_threads(1)
    step = build_step(Task.from_json(sys.argv[1]))
    with torch.inference_mode():
        serve(step, FIRST_CHARACTERS, {"versions": {"torch": torch.__version__}})


if __name__ == "__main__":
    main()
