from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome_basis import OutcomeBasis, check_outcome_basis
from ..models.outcome_state import OutcomeState, check_outcome_state

if TYPE_CHECKING:
    from ..models.outcome_predicted_type_0 import OutcomePredictedType0
    from ..models.outcome_realised import OutcomeRealised


T = TypeVar("T", bound="Outcome")


@_attrs_define
class Outcome:
    """A run that followed a recommendation, with what that was about.

    Attributes:
        id (UUID):
        run_id (str):
        state (OutcomeState):
        rank (int | None): Which answered configuration it trained; null when it trained another.
        predicted (None | OutcomePredictedType0): What had been predicted for it.
        realised (OutcomeRealised): What it measured.
        recommendation_id (UUID):
        dataset (str): The dataset that was asked about.
        recommended_at (datetime.datetime):
        basis (OutcomeBasis):

    """

    id: UUID
    run_id: str
    state: OutcomeState
    rank: int | None
    predicted: OutcomePredictedType0 | None
    realised: OutcomeRealised
    recommendation_id: UUID
    dataset: str
    recommended_at: datetime.datetime
    basis: OutcomeBasis
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.outcome_predicted_type_0 import OutcomePredictedType0

        id = str(self.id)

        run_id = self.run_id

        state: str = self.state

        rank: int | None
        rank = self.rank

        predicted: dict[str, Any] | None
        if isinstance(self.predicted, OutcomePredictedType0):
            predicted = self.predicted.to_dict()
        else:
            predicted = self.predicted

        realised = self.realised.to_dict()

        recommendation_id = str(self.recommendation_id)

        dataset = self.dataset

        recommended_at = self.recommended_at.isoformat()

        basis: str = self.basis

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "run_id": run_id,
                "state": state,
                "rank": rank,
                "predicted": predicted,
                "realised": realised,
                "recommendation_id": recommendation_id,
                "dataset": dataset,
                "recommended_at": recommended_at,
                "basis": basis,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.outcome_predicted_type_0 import OutcomePredictedType0
        from ..models.outcome_realised import OutcomeRealised

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        run_id = d.pop("run_id")

        state = check_outcome_state(d.pop("state"))

        def _parse_rank(data: object) -> int | None:
            if data is None:
                return data
            return cast("int | None", data)

        rank = _parse_rank(d.pop("rank"))

        def _parse_predicted(data: object) -> OutcomePredictedType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                predicted_type_0 = OutcomePredictedType0.from_dict(data)

                return predicted_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | OutcomePredictedType0", data)

        predicted = _parse_predicted(d.pop("predicted"))

        realised = OutcomeRealised.from_dict(d.pop("realised"))

        recommendation_id = UUID(d.pop("recommendation_id"))

        dataset = d.pop("dataset")

        recommended_at = datetime.datetime.fromisoformat(d.pop("recommended_at"))

        basis = check_outcome_basis(d.pop("basis"))

        outcome = cls(
            id=id,
            run_id=run_id,
            state=state,
            rank=rank,
            predicted=predicted,
            realised=realised,
            recommendation_id=recommendation_id,
            dataset=dataset,
            recommended_at=recommended_at,
            basis=basis,
        )

        outcome.additional_properties = d
        return outcome

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
