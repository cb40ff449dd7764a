"""Foreign histories -> runs, and foreign search spaces -> ours.

Every history is a `Source`: chunks of runs in an order of its own, each with the cursor after it, so that an import
that broke off goes on where it stopped. A run's `run_id` is the source's own name for it (a table without one: the
digest of the row), so that what is imported twice is stored once.

    optuna   RDB storages, read from their tables: the library makes 3 to 10 objects for each value
    mlflow   a store's tables, a folder of files, or a tracking server
    table    CSV, Parquet and ARFF, by a mapping of columns that is guessed, shown and overridden
    openml   run descriptions as the OpenML client keeps them, and its evaluations as a table

Files: `record` is what a source knows of a run, `rules` says where its fields belong, `recover` makes values of texts,
`body` makes a run of it; `source` is what the importers hand over, `post` sends it to a service, `checkpoint` remembers
how far that came. `spaces` translates search spaces.
"""
