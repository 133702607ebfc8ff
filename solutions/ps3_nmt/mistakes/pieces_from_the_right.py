# answer: word_pieces
# rejected by: test_word_pieces
# why: cut from the end of the word
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    longest = max(map(len, pieces), default=1)
    parts = []
    for word in text.split():
        rest, start, found = MARK + word, 0, []
        while start < len(rest):
            begin = max(0, len(rest) - longest)
            while begin < len(rest) - 1 and rest[begin:] not in pieces:
                begin += 1
            found.insert(0, rest[begin:])
            rest = rest[:begin]
        parts += found
    return parts


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
