"""Reads the records of a run one by one."""

from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import Record


def read_new(reader: RunReader, max_bytes: int = 1 << 20) -> list[Record]:
    """The records since the last call; reads at most `max_bytes`."""
    records: list[Record] = []
    for item in reader.read_new_stretches(max_bytes):
        records += item.records if isinstance(item, BatchStretch) else [item]
    return records
