"""The whole loop on real input: real models trained on real data sets, posted and asked about over HTTP alone.

space      the search space over eight model families, the objective, what holds for every training
tables     the data sets, read from inside installed packages
models     the estimator that a configuration means
training   one configuration trained for real: cross-validated metrics, seconds, memory -> a run
history    the committed history of such runs            recording  how it was made
client     the few HTTP calls that are needed            question   the demo's question, and its answer in words
welcome    what `forerun run` shows first                story      what `forerun demo` does
"""
