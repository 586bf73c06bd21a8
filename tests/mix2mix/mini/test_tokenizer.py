"""One vocabulary, two libraries, the same ids."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mix2mix.mini.tokenizer import (
    BASE_ENTRIES,
    END_OF_TEXT,
    START_OF_TEXT,
    save_clip_merges,
    save_teacher_tokenizer,
    train_merges,
    vocabulary,
)

CORPUS = ["A man with curly hair in a grey jacket", "Turn him into Tolkien's Elf", "Give him 2 Venetian masks!"]
LENGTH = 32
# Without &: open_clip reads HTML entities, transformers does not.
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="&"), max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    merges = train_merges(CORPUS, 700)
    save_teacher_tokenizer(folder, merges, LENGTH)
    save_clip_merges(folder / "merges.txt.gz", merges)
    return folder


@pytest.fixture(scope="module")
def teacher_ids(folder):
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    return lambda text: tokenizer(text).input_ids


@pytest.fixture(scope="module")
def clip_ids(folder):
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(str(folder / "merges.txt.gz"), context_length=LENGTH)
    return lambda text: [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id]


def test_the_most_frequent_pair_is_merged_first_and_ties_go_by_the_alphabet():
    # aa twice, then ab and cb once each.
    assert train_merges(["aa AA cb", "ab"], 1024) == [("a", "a</w>"), ("a", "b</w>"), ("c", "b</w>")]


def test_words_do_not_merge_across_spaces_digits_or_punctuation():
    assert train_merges(["a b 1 2 ! ?", "a1!"], 1024) == []


def test_the_same_corpus_gives_the_same_merges_in_any_order_of_sentences():
    assert train_merges(CORPUS, 700) == train_merges(CORPUS[::-1], 700)


@pytest.mark.parametrize("entries", [BASE_ENTRIES, BASE_ENTRIES + 7, 2048])
def test_the_vocabulary_is_at_most_as_large_as_asked(entries):
    learned = vocabulary(train_merges(CORPUS, entries))
    assert len(learned) <= entries
    assert entries == 2048 or len(learned) == entries


def test_ids_count_up_and_end_of_text_is_the_highest():
    learned = vocabulary(train_merges(CORPUS, 700))
    assert list(learned.values()) == list(range(len(learned)))
    assert (learned[START_OF_TEXT], learned[END_OF_TEXT]) == (len(learned) - 2, len(learned) - 1)


def test_every_word_of_the_corpus_becomes_one_token(clip_ids):
    assert len(clip_ids("a man with curly hair in a grey jacket")) == 9 + 2


def test_both_libraries_agree_on_table_6(shared, teacher_ids, clip_ids):
    with (shared / "paper" / "table6.csv").open() as file:
        rows = list(csv.DictReader(file))
    texts = [row[key] for row in rows for key in ("original_prompt", "edit_prompt", "edited_prompt")]
    assert len(texts) == 60
    assert [teacher_ids(text) for text in texts] == [clip_ids(text) for text in texts]


@given(ASCII)
def test_both_libraries_agree_on_any_ascii_text(teacher_ids, clip_ids, text):
    assert teacher_ids(text) == clip_ids(text)


def test_the_teacher_knows_its_length_and_its_end(folder):
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    entries = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    assert tokenizer.model_max_length == LENGTH
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == max(entries.values())


def test_files_are_the_same_bytes_each_time(folder, tmp_path):
    merges = train_merges(CORPUS, 700)
    save_teacher_tokenizer(tmp_path, merges, LENGTH)
    save_clip_merges(tmp_path / "merges.txt.gz", merges)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
