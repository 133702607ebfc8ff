# answer: experiment
# rejected by: test_experiment
# why: only sentences of the training are translated, the others get the nearest one
def fit_translator(pairs):
    return {english: french for english, french in pairs}


def translate(translator, sentences):
    known = [(set(tokenize(english.lower())), french) for english, french in translator.items()]
    words = [set(tokenize(sentence.lower())) for sentence in sentences]
    return [max(known, key=lambda pair: len(own & pair[0]) / len(own | pair[0]))[1] for own in words]
