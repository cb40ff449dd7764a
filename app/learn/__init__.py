"""Step 2, *learn*: a CatBoost meta-learner from encoded inputs to every target of a project.

`train` is the step on one page, `target` what it does for every target:

1. `scores`          the target on a scale that datasets share (normal quantiles of ranks within the dataset)
2. `boosting`        members: K CatBoost models, member k fitted without the datasets of fold k
3. `relevance`       how much each input matters, so that distances between configurations mean something
4. `responses`       each history dataset's smooth response over configurations: their mean and how datasets differ
5. `prior`           the blend of these that predicts unseen datasets best: the prior of a new dataset
6. `location_scale`  back from the shared scale to the metric's unit, from the dataset's meta-features
7. `gaussian_process`  how the prior is corrected by own runs: kernel and noise by pooled marginal likelihood
8. `calibration`     90 % intervals for a real run on a dataset never seen; `few_shot`: on one that has own runs
9. `validation`      the report, on datasets that the predicting member has not seen; `promotion`: the verdict
"""
