# answer: word_pieces
# rejected by: test_word_pieces
# why: the shortest piece that fits
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    longest = max(map(len, pieces), default=1)
    parts = []
    for word in text.split():
        rest, start = MARK + word, 0
        while start < len(rest):
            ends = range(start + 1, min(start + longest, len(rest)) + 1)
            end = next((end for end in ends if rest[start:end] in pieces), start + 1)
            parts.append(rest[start:end])
            start = end
    return parts


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
