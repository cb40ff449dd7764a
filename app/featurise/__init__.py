"""Step 1: runs to numbers.

    runs ──frame──> RunTable ──featuriser──> FeatureFrame          a configuration takes the same way as a run

`featuriser` is the step on one page. Each kind of input has its file (`dataset`, `hyperparameters`, `architecture`,
`environment`, `fidelity`), which says what is its own; `schema` infers the features of a path from the history,
`encoder` computes them. `targets` is the measured side. `describe` computes meta-features from a data set's table.
"""
