# answer: word_pieces
# why: an escaped regular expression, the longest alternatives first
import re


def segment(text, pieces):
    longest_first = [re.escape(piece) for piece in sorted(pieces, key=len, reverse=True)]
    pattern = re.compile("|".join([*longest_first, "."]), re.DOTALL)
    parts = []
    for word in text.split():
        parts.extend(match.group() for match in pattern.finditer("\u2581" + word))
    return parts


def restore(parts):
    text = ""
    for part in parts:
        text += part
    return text.replace("\u2581", " ").lstrip(" ")
