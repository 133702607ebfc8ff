# answer: experiment
# rejected by: test_experiment
# why: one text with all translations
def fit_translator(pairs):
    return {english: french for english, french in pairs}


def translate(translator, sentences):
    return " ".join(translator.get(sentence, sentence) for sentence in sentences)
