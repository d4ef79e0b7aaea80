"""Finding a quote in what was said: case, spacing, punctuation and what nobody sees are ignored, nothing else."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ridealong.core.visible import is_unseen


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Where `quote` stands in `text` first: (start, end) in code points, or None.

    The match begins and ends at the edge of a word. A number with its separators ("1,000") and a negation ("can't")
    are one word: "1" is not what "1,000" says, nor "can" what "can't" says. Takes time in proportion to the lengths.
    """
    if len(quote) > _MOST_TIMES * len(text) + _MOST_TIMES:
        return None
    wanted = "".join(letter for letter, _ in _letters(quote))
    if not wanted:
        return None
    letters = list(_letters(text))
    folded = "".join(letter for letter, _ in letters)
    for at in _occurrences(folded, wanted):
        first, last = letters[at][1], letters[at + len(wanted) - 1][1]
        if _is_edge(text, first) and _is_edge(text, last + 1) and _whole_characters(letters, at, len(wanted)):
            return first, last + 1
    return None


_MOST_TIMES: Final = 100
"""A quote so many times as long as the text is none, however much of it is unseen: reading it would take seconds."""

_IGNORED_CATEGORIES: Final = ("Z", "P", "C")
"""Unicode categories that carry no words: separators, punctuation, control and format characters."""

_IGNORED_ASCII: Final = frozenset(
    character for character in map(chr, range(128)) if unicodedata.category(character)[0] in _IGNORED_CATEGORIES
)


def _letters(text: str) -> Iterable[tuple[str, int]]:
    """Each folded letter of `text` with the index of the character that it comes from."""
    if text.isascii():
        # Most of what is said: nothing in it is composed, and each character folds to one. Ten times as quick.
        return [(letter, index) for index, letter in enumerate(text.lower()) if letter not in _IGNORED_ASCII]
    return _folded(text)


def _folded(text: str) -> Iterator[tuple[str, int]]:
    marks: list[tuple[int, str, int]] = []
    for index, character in enumerate(text):
        # One character at a time, so that every letter keeps its index: "ß" folds to two letters of one index.
        for letter in unicodedata.normalize("NFKD", character).casefold():
            # Marks on one letter may be written in any order; Unicode's own order makes them comparable.
            order = unicodedata.combining(letter)
            if order:
                marks.append((order, letter, index))
                continue
            # A blank ends their row too: sorted across it, a mark would take the place of one that stands elsewhere.
            yield from _in_order(marks)
            marks.clear()
            if unicodedata.category(letter)[0] not in _IGNORED_CATEGORIES and not is_unseen(letter):
                yield letter, index
    yield from _in_order(marks)


def _in_order(marks: list[tuple[int, str, int]]) -> Iterator[tuple[str, int]]:
    # The indices stay where they are, so that they grow from letter to letter whatever the order of the marks.
    for (_, letter, _), (_, _, index) in zip(sorted(marks, key=lambda mark: mark[0]), marks, strict=True):
        yield letter, index


def _occurrences(folded: str, wanted: str) -> Iterator[int]:
    """Every place of `wanted` in `folded`, overlapping ones too, in time linear in both (Knuth, Morris, Pratt 1977).

    `str.find` from each place on would take minutes for a turn of "a a a a …" that hostile input can hold.
    """
    first = folded.find(wanted)
    if first < 0:
        return
    yield first
    shorter = [0] * len(wanted)
    matched = 0
    for index in range(1, len(wanted)):
        while matched and wanted[index] != wanted[matched]:
            matched = shorter[matched - 1]
        matched += wanted[index] == wanted[matched]
        shorter[index] = matched
    matched = 0
    for index, letter in enumerate(folded):
        while matched and (matched == len(wanted) or letter != wanted[matched]):
            matched = shorter[matched - 1]
        matched += letter == wanted[matched]
        if matched == len(wanted) and index >= first + matched:
            yield index + 1 - matched


def _is_edge(text: str, index: int) -> bool:
    """Whether a word can begin or end between the characters `index - 1` and `index`."""
    if index in (0, len(text)):
        return True
    before, after = text[index - 1], text[index]
    if _carries_word(before) and _carries_word(after):
        return not _is_mark(after) and (_stands_alone(before) or _stands_alone(after))
    return not (_inside_word(text, index - 1) or _inside_word(text, index))


def _inside_word(text: str, index: int) -> bool:
    """Whether the character at `index` is punctuation that belongs to the word around it."""
    if not 0 < index < len(text) - 1:
        return False
    before, character, after = text[index - 1 : index + 2]
    if character in ".,:":
        return before.isdigit() and after.isdigit()
    if character in "'\u2019":
        return before in "nN" and after in "tT" and (index + 2 == len(text) or not text[index + 2].isalnum())
    return False


def _carries_word(character: str) -> bool:
    return unicodedata.category(character)[0] not in _IGNORED_CATEGORIES and not is_unseen(character)


def _is_mark(character: str) -> bool:
    """Accents, and the skin tones of emoji: they belong to what stands before them."""
    return unicodedata.category(character)[0] == "M" or 0x1F3FB <= ord(character) <= 0x1F3FF


_SPACELESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x3FFFF),  # Han, extensions
)
"""Scripts that put no space between words: each character can be the edge of one."""


def _stands_alone(character: str) -> bool:
    if unicodedata.category(character) == "So":  # emoji
        return True
    code = ord(character)
    return any(first <= code <= last for first, last in _SPACELESS)


def _whole_characters(letters: Sequence[tuple[str, int]], at: int, length: int) -> bool:
    """False when the match begins or ends inside one character, for example in the middle of an "ß"."""
    begins = at == 0 or letters[at - 1][1] != letters[at][1]
    end = at + length
    return begins and (end == len(letters) or letters[end - 1][1] != letters[end][1])
