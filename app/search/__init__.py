"""Step 3, *search*: candidates of a space, scored by the meta-learner as the dataset's own runs correct it.

`rank` is the step on one page:

1. `candidates`   every configuration of a small space, or a space-filling sample refined around the best
2. `adaptation`   the prior's view of each target, corrected by own runs
3. `acquisition`  what makes a candidate worth training: its mean, its expected improvement, a Thompson sample
4. `pareto`       several objectives; `feasibility`: limits and the risk of failure; `diversity`: no answer twice
5. `cold_start`   the answer without history; `explanation`: the inputs that moved an answer
"""
