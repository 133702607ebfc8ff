# answer: word_pieces
# why: candidates in order of length, tried with startswith; the way back by splitting at the marks
def segment(text, pieces):
    ordered = sorted(pieces, key=len, reverse=True)
    found = []
    for word in ("\N{LOWER ONE EIGHTH BLOCK}" + word for word in text.split()):
        position = 0
        while position < len(word):
            match = next((piece for piece in ordered if word.startswith(piece, position)), word[position])
            found.append(match)
            position += len(match)
    return found


def restore(parts):
    return " ".join("".join(parts).split("\N{LOWER ONE EIGHTH BLOCK}")[1:])
