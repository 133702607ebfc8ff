# answer: word_pieces
# rejected by: test_word_pieces
# why: no more than a hundred letters are looked at
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    longest = max(map(len, pieces), default=1)
    parts = []
    for word in text.split():
        rest, start = MARK + word, 0
        while start < len(rest):
            end = min(start + min(longest, 100), len(rest))
            while end > start + 1 and rest[start:end] not in pieces:
                end -= 1
            parts.append(rest[start:end])
            start = end
    return parts


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
