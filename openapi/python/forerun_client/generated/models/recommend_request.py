from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.recommend_request_strategy import RecommendRequestStrategy, check_recommend_request_strategy
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.candidate_space import CandidateSpace
    from ..models.context import Context
    from ..models.dataset_reference import DatasetReference
    from ..models.objective import Objective
    from ..models.observation import Observation
    from ..models.outcome_constraint import OutcomeConstraint
    from ..models.parameter_space import ParameterSpace
    from ..models.recommend_request_pending_item import RecommendRequestPendingItem


T = TypeVar("T", bound="RecommendRequest")


@_attrs_define
class RecommendRequest:
    """What to train next: a dataset, a search space, what is wanted and what is known.

    Attributes:
        dataset (DatasetReference | str):
        search_space (CandidateSpace | ParameterSpace): What may be tried: parameters with conditions and constraints,
            or an explicit list of candidates.
        project (str | Unset):  Default: 'default'.
        objectives (list[Objective] | Unset): Absent: the project's own.
        outcome_constraints (list[OutcomeConstraint] | Unset):
        context (Context | Unset): Inputs that hold for every candidate: where and how long it will be trained.
        observations (list[Observation] | Unset):
        pending (list[RecommendRequestPendingItem] | Unset):
        top_k (int | Unset):  Default: 10.
        strategy (RecommendRequestStrategy | Unset):  Default: 'best'.
        per (None | str | Unset): With `improve` and one objective: a resource by which improvement is divided, such as
            `duration_seconds`: what brings most for what it costs is proposed first.
        seed (int | Unset):  Default: 0.
        budget_ms (int | Unset): Time that a search for the exact answer may take. What is found by then is the answer,
            and `gap` says how far a better score may lie above it. Searches by a fixed amount of work leave it alone, but
            below 100 an infinite space is only sampled. Default: 2000.
        explain (bool | Unset):  Default: False.
        store (bool | Unset): Whether the answer is kept and gets a `recommendation_id`; false: it was a what-if.
            Default: True.

    """

    dataset: DatasetReference | str
    search_space: CandidateSpace | ParameterSpace
    project: str | Unset = "default"
    objectives: list[Objective] | Unset = UNSET
    outcome_constraints: list[OutcomeConstraint] | Unset = UNSET
    context: Context | Unset = UNSET
    observations: list[Observation] | Unset = UNSET
    pending: list[RecommendRequestPendingItem] | Unset = UNSET
    top_k: int | Unset = 10
    strategy: RecommendRequestStrategy | Unset = "best"
    per: str | Unset | None = UNSET
    seed: int | Unset = 0
    budget_ms: int | Unset = 2000
    explain: bool | Unset = False
    store: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        from ..models.dataset_reference import DatasetReference
        from ..models.parameter_space import ParameterSpace

        dataset: dict[str, Any] | str
        if isinstance(self.dataset, DatasetReference):
            dataset = self.dataset.to_dict()
        else:
            dataset = self.dataset

        search_space: dict[str, Any]
        if isinstance(self.search_space, ParameterSpace):
            search_space = self.search_space.to_dict()
        else:
            search_space = self.search_space.to_dict()

        project = self.project

        objectives: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.objectives, Unset):
            objectives = []
            for objectives_item_data in self.objectives:
                objectives_item = objectives_item_data.to_dict()
                objectives.append(objectives_item)

        outcome_constraints: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.outcome_constraints, Unset):
            outcome_constraints = []
            for outcome_constraints_item_data in self.outcome_constraints:
                outcome_constraints_item = outcome_constraints_item_data.to_dict()
                outcome_constraints.append(outcome_constraints_item)

        context: dict[str, Any] | Unset = UNSET
        if not isinstance(self.context, Unset):
            context = self.context.to_dict()

        observations: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.observations, Unset):
            observations = []
            for observations_item_data in self.observations:
                observations_item = observations_item_data.to_dict()
                observations.append(observations_item)

        pending: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.pending, Unset):
            pending = []
            for pending_item_data in self.pending:
                pending_item = pending_item_data.to_dict()
                pending.append(pending_item)

        top_k = self.top_k

        strategy: str | Unset = UNSET
        if not isinstance(self.strategy, Unset):
            strategy = self.strategy

        per: str | Unset | None
        if isinstance(self.per, Unset):
            per = UNSET
        else:
            per = self.per

        seed = self.seed

        budget_ms = self.budget_ms

        explain = self.explain

        store = self.store

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dataset": dataset,
                "search_space": search_space,
            }
        )
        if project is not UNSET:
            field_dict["project"] = project
        if objectives is not UNSET:
            field_dict["objectives"] = objectives
        if outcome_constraints is not UNSET:
            field_dict["outcome_constraints"] = outcome_constraints
        if context is not UNSET:
            field_dict["context"] = context
        if observations is not UNSET:
            field_dict["observations"] = observations
        if pending is not UNSET:
            field_dict["pending"] = pending
        if top_k is not UNSET:
            field_dict["top_k"] = top_k
        if strategy is not UNSET:
            field_dict["strategy"] = strategy
        if per is not UNSET:
            field_dict["per"] = per
        if seed is not UNSET:
            field_dict["seed"] = seed
        if budget_ms is not UNSET:
            field_dict["budget_ms"] = budget_ms
        if explain is not UNSET:
            field_dict["explain"] = explain
        if store is not UNSET:
            field_dict["store"] = store

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.candidate_space import CandidateSpace
        from ..models.context import Context
        from ..models.dataset_reference import DatasetReference
        from ..models.objective import Objective
        from ..models.observation import Observation
        from ..models.outcome_constraint import OutcomeConstraint
        from ..models.parameter_space import ParameterSpace
        from ..models.recommend_request_pending_item import RecommendRequestPendingItem

        d = dict(src_dict)

        def _parse_dataset(data: object) -> DatasetReference | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError
                dataset_type_0 = DatasetReference.from_dict(data)

                return dataset_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("DatasetReference | str", data)

        dataset = _parse_dataset(d.pop("dataset"))

        def _parse_search_space(data: object) -> CandidateSpace | ParameterSpace:
            try:
                if not isinstance(data, dict):
                    raise TypeError
                componentsschemas_search_space_type_0 = ParameterSpace.from_dict(data)

                return componentsschemas_search_space_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError
            componentsschemas_search_space_type_1 = CandidateSpace.from_dict(data)

            return componentsschemas_search_space_type_1

        search_space = _parse_search_space(d.pop("search_space"))

        project = d.pop("project", UNSET)

        _objectives = d.pop("objectives", UNSET)
        objectives: list[Objective] | Unset = UNSET
        if _objectives is not UNSET:
            objectives = []
            for objectives_item_data in _objectives:
                objectives_item = Objective.from_dict(objectives_item_data)

                objectives.append(objectives_item)

        _outcome_constraints = d.pop("outcome_constraints", UNSET)
        outcome_constraints: list[OutcomeConstraint] | Unset = UNSET
        if _outcome_constraints is not UNSET:
            outcome_constraints = []
            for outcome_constraints_item_data in _outcome_constraints:
                outcome_constraints_item = OutcomeConstraint.from_dict(outcome_constraints_item_data)

                outcome_constraints.append(outcome_constraints_item)

        _context = d.pop("context", UNSET)
        context: Context | Unset
        if isinstance(_context, Unset):
            context = UNSET
        else:
            context = Context.from_dict(_context)

        _observations = d.pop("observations", UNSET)
        observations: list[Observation] | Unset = UNSET
        if _observations is not UNSET:
            observations = []
            for observations_item_data in _observations:
                observations_item = Observation.from_dict(observations_item_data)

                observations.append(observations_item)

        _pending = d.pop("pending", UNSET)
        pending: list[RecommendRequestPendingItem] | Unset = UNSET
        if _pending is not UNSET:
            pending = []
            for pending_item_data in _pending:
                pending_item = RecommendRequestPendingItem.from_dict(pending_item_data)

                pending.append(pending_item)

        top_k = d.pop("top_k", UNSET)

        _strategy = d.pop("strategy", UNSET)
        strategy: RecommendRequestStrategy | Unset
        if isinstance(_strategy, Unset):
            strategy = UNSET
        else:
            strategy = check_recommend_request_strategy(_strategy)

        def _parse_per(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        per = _parse_per(d.pop("per", UNSET))

        seed = d.pop("seed", UNSET)

        budget_ms = d.pop("budget_ms", UNSET)

        explain = d.pop("explain", UNSET)

        store = d.pop("store", UNSET)

        recommend_request = cls(
            dataset=dataset,
            search_space=search_space,
            project=project,
            objectives=objectives,
            outcome_constraints=outcome_constraints,
            context=context,
            observations=observations,
            pending=pending,
            top_k=top_k,
            strategy=strategy,
            per=per,
            seed=seed,
            budget_ms=budget_ms,
            explain=explain,
            store=store,
        )

        return recommend_request
