# answer: word_pieces
# rejected by: test_word_pieces
# why: the cut with the fewest parts instead of the longest part first
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    longest = max(map(len, pieces), default=1)
    parts = []
    for word in text.split():
        rest = MARK + word
        best = [[]]
        for end in range(1, len(rest) + 1):
            starts = [n for n in range(max(0, end - longest), end) if n == end - 1 or rest[n:end] in pieces]
            best.append(min(([*best[n], rest[n:end]] for n in starts), key=len))
        parts += best[-1]
    return parts


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
