# answer: word_pieces
# rejected by: test_word_pieces
# why: pieces are not escaped
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    import re

    pattern = re.compile("|".join([*sorted(pieces, key=len, reverse=True), "."]))
    parts = []
    for word in text.split():
        parts += pattern.findall(MARK + word)
    return parts


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    return "".join(parts).replace(MARK, " ")[1:]
