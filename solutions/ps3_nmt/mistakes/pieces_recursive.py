# answer: word_pieces
# rejected by: test_word_pieces
# why: calls itself for each part: too deep for long words
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    longest = max(map(len, pieces), default=1)

    def cut(rest):
        if not rest:
            return []
        end = min(longest, len(rest))
        while end > 1 and rest[:end] not in pieces:
            end -= 1
        return [rest[:end], *cut(rest[end:])]

    return [part for word in text.split() for part in cut(MARK + word)]


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
