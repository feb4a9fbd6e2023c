"""PyTorch's `nn.LSTM` with Adam, in float32 or under bfloat16 autocast."""

import sys

import torch

from benchmarks.speed.contenders.assignment import LEARNING_RATE, Assignment
from benchmarks.speed.contenders.serving import Step, serve


def build_step(assignment: Assignment) -> Step:
    """Embedding, LSTM and a linear layer, written plainly."""
    size, streams = assignment.size, assignment.streams()
    kind = "cuda" if assignment.device == "gpu" else "cpu"
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(assignment.vocabulary_size, size.embedding_size)
    recurrent = torch.nn.LSTM(
        size.embedding_size, size.hidden_size, num_layers=size.layer_count, batch_first=True
    )
    output = torch.nn.Linear(size.hidden_size, assignment.vocabulary_size)
    model = torch.nn.ModuleList([embedding, recurrent, output]).to(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    states = None  # h and c, (L, B, H) each; None stands for zeros

    def step(number: int) -> float:
        nonlocal states
        window = [torch.from_numpy(array).to(kind).long() for array in streams.batch(number)]
        before = None if streams.starts_epoch(number) else states
        with torch.autocast(kind, torch.bfloat16, enabled=assignment.precision == "bfloat16"):
            hidden, after = recurrent(embedding(window[0]), before)
            logits = output(hidden)  # (B, T, V)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), window[1].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        states = tuple(state.detach() for state in after)
        return float(loss.item())

    return step


def main() -> None:
    """Serve."""
    assignment = Assignment.from_json(sys.argv[1])
    torch.set_num_threads(assignment.threads)
    versions = {"torch": torch.__version__}
    serve(build_step(assignment), assignment.first_steps, {"versions": versions})


if __name__ == "__main__":
    main()
