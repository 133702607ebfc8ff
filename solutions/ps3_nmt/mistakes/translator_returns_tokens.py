# answer: experiment
# rejected by: test_experiment
# why: lists of words instead of texts
def fit_translator(pairs):
    return {english: french for english, french in pairs}


def translate(translator, sentences):
    return [tokenize(translator.get(sentence, sentence)) for sentence in sentences]
