# answer: beam_search
# why: prefixes are nodes of a tree that keep both log-probabilities; tuples and numbers of NumPy as results
class Node:
    def __init__(self, label=None, parent=None):
        self.label, self.parent, self.children = label, parent, {}
        self.b = self.e = self.nb = self.ne = -np.inf

    def child(self, c):
        if c not in self.children:
            self.children[c] = Node(c, self)
        return self.children[c]

    def labels(self):
        node, out = self, []
        while node.parent is not None:
            out.append(node.label)
            node = node.parent
        return out[::-1]


def beam_search(log_y, beam_width):
    root = Node()
    root.b = 0.0
    kept = [root]
    for row in log_y:
        touched = []
        for node in kept:
            both = np.logaddexp(node.b, node.e)
            node.nb = np.logaddexp(node.nb, both + row[0])
            if node.label is not None:
                node.ne = np.logaddexp(node.ne, node.e + row[node.label])
            touched.append(node)
            for c in range(1, len(row)):
                child = node.child(c)
                child.ne = np.logaddexp(child.ne, (node.b if c == node.label else both) + row[c])
                touched.append(child)
        unique = list({id(node): node for node in touched}.values())
        for node in kept:
            node.b = node.e = -np.inf
        for node in unique:
            node.b, node.e, node.nb, node.ne = node.nb, node.ne, -np.inf, -np.inf
        unique.sort(key=lambda node: np.logaddexp(node.b, node.e), reverse=True)
        for node in unique[beam_width:]:
            node.b = node.e = -np.inf
        kept = unique[:beam_width]
    return tuple((node.labels(), np.logaddexp(node.b, node.e)) for node in kept)
