"""Step 3, *search*: candidates of a space, scored by the meta-learner as the dataset's own runs correct it.

`rank` is the step on one page. A newcomer reads in this order; each file says at its top what it is for.

    question      what is asked, and the answer
    means         what a search may use: threads, an end; `tables`: what questions share
    scene         one dataset as the meta-learner sees it, own runs taken in (`adaptation`); encodes and scores
    candidates    which configurations are considered: a list, or a space-filling sample refined around its best
    exact         the best by history of all that there are (below); `missed`: what an answer from these may claim
    order         the candidates in order: by `acquisition`; with several objectives by `pareto` and `hypervolume`;
                  what keeps limits and succeeds first (`feasibility`), and no answer twice (`diversity`)
    answer        the rows that are answered; `explanation`: why
    cold_start    the answer without history
    stages        names of the stages, for whoever times them

History's score is one sum of trees, and over a space that is a sum of small tables. `exact` goes one of two ways:

    product -> grid -> scan                             a finite space without rules, point by point, most left out
    axes -> grid, rules -> branch_and_bound -> inhabit  all else; `solve` is the page. Parameters are values, or cells
                                                        of values; conditions and constraints are tables of -inf

    branch_and_bound    network (tables of whole numbers) -> buckets (bounds) -> descent; `shift` tightens the bounds
    *_kernels           the loops of the file of that name, in machine code; `compiled` makes them ready at start-up
"""
