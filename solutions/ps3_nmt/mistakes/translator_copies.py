# answer: experiment
# rejected by: test_experiment
# why: the English sentences come back
def fit_translator(pairs):
    return {english: french for english, french in pairs}


def translate(translator, sentences):
    return list(sentences)
