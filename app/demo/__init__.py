"""The whole loop on real input: real models trained on real data sets, posted and asked about over HTTP alone.

tables     the data sets, read from inside installed packages
models     the search space (eight model families) and the estimator that a configuration means
training   one configuration trained for real: cross-validated metrics, seconds, memory -> a run
history    the committed history of such runs, and how it was recorded
client     the few HTTP calls that the story makes
story      the demo itself, and the first ranking of `forerun run`
"""
