# SPDX-License-Identifier: Apache-2.0
"""BERT's tokeniser for uncased models: text to the token ids of a vocab.txt.

"[SEP]" and its like written out in the text are text, not special tokens.
"""

import unicodedata
from pathlib import Path

LONGEST_WORD = 100  # characters; a longer word is one unknown token


def _is_punctuation(character: str) -> bool:
    # All of ASCII that is neither letter, digit nor space counts, "$" and "`" too.
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P")


def _is_cjk(character: str) -> bool:
    code = ord(character)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2A6DF
        or 0x2A700 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )


def words(text: str) -> list[str]:
    """Lower-cased words without accents; each punctuation mark and ideograph is a word."""
    spaced = []
    for character in text:
        if character.isspace():
            spaced.append(" ")
        elif _is_cjk(character):
            spaced.append(f" {character} ")
        elif character != "\ufffd" and not unicodedata.category(character).startswith("C"):
            spaced.append(character)
    decomposed = unicodedata.normalize("NFD", "".join(spaced))
    # One character at a time: str.lower() on a whole word knows a final sigma, BERT does not.
    plain = (c.lower() for c in decomposed if unicodedata.category(c) != "Mn")
    separated = (f" {c} " if _is_punctuation(c) else c for c in "".join(plain))
    return "".join(separated).split()


class WordPiece:
    """Greedy longest match first, with [CLS] before and [SEP] after."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").split("\n")
        self.tokens = lines[:-1] if lines[-1] == "" else lines
        self.ids = {token: number for number, token in enumerate(self.tokens)}

    def _pieces(self, word: str) -> list[str]:
        if len(word) > LONGEST_WORD:
            return ["[UNK]"]
        pieces = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                if prefix + word[start:end] in self.ids:
                    pieces.append(prefix + word[start:end])
                    start = end
                    break
            else:
                return ["[UNK]"]  # the whole word, if any part of it is unknown
        return pieces

    def encode(self, text: str, longest: int) -> list[int]:
        """Token ids, at most `longest` of them, [CLS] and [SEP] included."""
        pieces = [piece for word in words(text) for piece in self._pieces(word)]
        return [self.ids[piece] for piece in ["[CLS]", *pieces[: longest - 2], "[SEP]"]]
