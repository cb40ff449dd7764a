from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.learn.folds import N_FOLDS, assign_folds

names = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


@given(names, names)
def test_a_dataset_keeps_its_fold_for_life(first, second):
    before = assign_folds(first)
    after = assign_folds([*first, *second], before)
    assert {name: after[name] for name in first} == before


@given(names, st.randoms(use_true_random=False))
def test_folds_are_balanced_and_do_not_depend_on_the_order(datasets, random):
    folds = assign_folds(datasets)
    sizes = [sum(fold == k for fold in folds.values()) for k in range(N_FOLDS)]
    assert max(sizes) - min(sizes) <= 1
    shuffled = list(datasets)
    random.shuffle(shuffled)
    assert assign_folds(shuffled) == folds
