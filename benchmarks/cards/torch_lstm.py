"""PyTorch's cuDNN LSTM: float32 with factors rounded to TF32, and autocast."""

import os
from itertools import cycle, islice

import torch

from benchmarks.cards.rows import VOCABULARY_SIZE, Row
from benchmarks.cards.serving import Steps, serve
from benchmarks.cards.text import EMBEDDING_SIZE, LEARNING_RATE, windows

_HAS_GPU = torch.cuda.is_available() and os.environ.get("CUDA_VISIBLE_DEVICES") != "-1"
KIND = "cuda" if _HAS_GPU else "cpu"


def build(row: Row) -> Steps:
    """As fast as it is written without other libraries: text on the device, one wait a call."""
    network, is_half = row.network, row.way == "float16"
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE)
    recurrent = torch.nn.LSTM(
        EMBEDDING_SIZE, network.hidden_size, num_layers=network.layer_count, batch_first=True
    )
    output = torch.nn.Linear(network.hidden_size, VOCABULARY_SIZE)
    model = torch.nn.ModuleList([embedding, recurrent, output]).to(KIND)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=KIND == "cuda")
    scaler = torch.amp.GradScaler(KIND, enabled=is_half and KIND == "cuda")
    texts = [
        tuple(torch.from_numpy(array.copy()).to(KIND).long() for array in window)
        for window in windows(network)
    ]
    batches = cycle(texts)
    states = None  # h and c, (L, B, H) each; None stands for zeros
    kind = torch.float16 if is_half else torch.bfloat16

    def steps(count: int) -> float:
        nonlocal states
        for inputs, targets in islice(batches, count):
            with torch.autocast(KIND, kind, enabled=row.way != "float32"):
                hidden, after = recurrent(embedding(inputs), states)
                logits = output(hidden)  # (B, T, V)
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), targets.flatten()
            )
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            states = tuple(state.detach() for state in after)
        return float(loss.item())

    return steps


def main() -> None:
    """Serve."""
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    serve(build, {"versions": {"PyTorch": torch.__version__}})


if __name__ == "__main__":
    main()
