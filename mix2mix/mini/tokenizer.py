"""A small tokenizer of our own in CLIP's file format: byte-level BPE with `</w>` closing every word.

CLIP's 49,408 entries would eat the mini bundle's weight budget, so the vocabulary is learned from the miniature world's
own sentences (Sennrich et al., 2016). The same merges are written twice: `vocab.json` + `merges.txt` for the teacher
(transformers) and a gzipped list for open_clip. Both give the same ids; end-of-text is the highest.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

Merge = tuple[str, str]

END_OF_WORD = "</w>"
START_OF_TEXT, END_OF_TEXT = "<|startoftext|>", "<|endoftext|>"
HEADER = "#version: 0.2"
BASE_ENTRIES = 2 * 256 + 2
"""Entries that exist before any merge: the bytes, the bytes that close a word, start and end of text."""

# The 256 bytes as visible characters, in the order of CLIP's vocabulary: printable Latin-1, the others from U+0100 on.
_VISIBLE = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
_HIDDEN = [byte for byte in range(256) if byte not in _VISIBLE]
_SYMBOL = {byte: chr(byte) for byte in _VISIBLE} | {byte: chr(256 + i) for i, byte in enumerate(_HIDDEN)}

# The words that CLIP sees: contractions, runs of letters, single digits, runs of anything else.
_WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\w\s]|_)+")


def train_merges(corpus: Iterable[str], entries: int) -> list[Merge]:
    """Merges learned from the sentences of `corpus`, for at most `entries` entries; the same corpus gives the same."""
    words = Counter(_symbols(word) for text in corpus for word in _WORD.findall(text.lower()))
    merges: list[Merge] = []
    while len(merges) < entries - BASE_ENTRIES and (pairs := _pair_counts(words)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = _merge_everywhere(words, best)
    return merges


def vocabulary(merges: Sequence[Merge]) -> dict[str, int]:
    """Every entry with its id: bytes, bytes closing a word, merges, start of text, end of text (the highest)."""
    symbols = list(_SYMBOL.values())
    closed = [symbol + END_OF_WORD for symbol in symbols]
    merged = [left + right for left, right in merges]
    return {entry: i for i, entry in enumerate([*symbols, *closed, *merged, START_OF_TEXT, END_OF_TEXT])}


def save_teacher_tokenizer(folder: Path, merges: Sequence[Merge], max_length: int) -> None:
    """Write the files that `transformers.CLIPTokenizer` reads: `vocab.json`, `merges.txt`, `tokenizer_config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": max_length,
        "bos_token": START_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "unk_token": END_OF_TEXT,
    }
    _write(folder / "vocab.json", json.dumps(vocabulary(merges), ensure_ascii=False))
    _write(folder / "merges.txt", _listing(merges) + "\n")
    _write(folder / "tokenizer_config.json", json.dumps(config, indent=2))


def save_clip_merges(path: Path, merges: Sequence[Merge]) -> None:
    """Write the gzipped merges that `open_clip`'s SimpleTokenizer takes as `bpe_path`."""
    # No newline at the end: open_clip would take the empty line for an entry. No time stamp: same merges, same bytes.
    path.write_bytes(gzip.compress(_listing(merges).encode(), mtime=0))


def _symbols(word: str) -> tuple[str, ...]:
    encoded = [_SYMBOL[byte] for byte in word.encode()]
    return (*encoded[:-1], encoded[-1] + END_OF_WORD)


def _pair_counts(words: Mapping[tuple[str, ...], int]) -> Counter[Merge]:
    counts: Counter[Merge] = Counter()
    for symbols, count in words.items():
        for pair in pairwise(symbols):
            counts[pair] += count
    return counts


def _merge_everywhere(words: Mapping[tuple[str, ...], int], pair: Merge) -> Counter[tuple[str, ...]]:
    merged: Counter[tuple[str, ...]] = Counter()
    for symbols, count in words.items():
        merged[_merge(symbols, pair)] += count
    return merged


def _merge(symbols: tuple[str, ...], pair: Merge) -> tuple[str, ...]:
    result: list[str] = []
    i = 0
    while i < len(symbols):
        step = 2 if symbols[i : i + 2] == pair else 1
        result.append("".join(symbols[i : i + step]))
        i += step
    return tuple(result)


def _listing(merges: Sequence[Merge]) -> str:
    return "\n".join([HEADER, *(f"{left} {right}" for left, right in merges)])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
