# answer: beam_search
# why: a table for each kind of ending, strings of labels as keys of defaultdicts, tuples as results
from collections import defaultdict
from heapq import nlargest


def beam_search(log_y, beam_width):
    blank_ended, label_ended = {(): 0.0}, {}
    prefixes = [()]
    for row in np.asarray(log_y, "float64"):
        new_blank, new_label = defaultdict(lambda: -np.inf), defaultdict(lambda: -np.inf)

        def add(table, prefix, amount):
            table[prefix] = np.logaddexp(table[prefix], amount)

        for prefix in prefixes:
            b, e = blank_ended.get(prefix, -np.inf), label_ended.get(prefix, -np.inf)
            add(new_blank, prefix, b + row[0])
            add(new_blank, prefix, e + row[0])
            for c in range(1, len(row)):
                add(new_label, prefix + (c,), b + row[c])
                same = bool(prefix) and prefix[-1] == c
                add(new_label, prefix if same else prefix + (c,), e + row[c])
        blank_ended, label_ended = dict(new_blank), dict(new_label)
        totals = {
            prefix: np.logaddexp(blank_ended.get(prefix, -np.inf), label_ended.get(prefix, -np.inf))
            for prefix in {*blank_ended, *label_ended}
        }
        prefixes = [prefix for prefix in nlargest(beam_width, totals, totals.get) if totals[prefix] > -np.inf]
    return [(prefix, totals[prefix]) for prefix in prefixes]
