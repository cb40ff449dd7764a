from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.realised_state import RealisedState, check_realised_state

if TYPE_CHECKING:
    from ..models.realised_predicted_type_0 import RealisedPredictedType0
    from ..models.realised_realised import RealisedRealised


T = TypeVar("T", bound="Realised")


@_attrs_define
class Realised:
    """A run that followed a recommendation, and how the prediction did.

    Attributes:
        id (UUID):
        run_id (str):
        state (RealisedState):
        rank (int | None): Which answered configuration it trained; null when it trained another.
        predicted (None | RealisedPredictedType0): What had been predicted for it.
        realised (RealisedRealised): What it measured.

    """

    id: UUID
    run_id: str
    state: RealisedState
    rank: int | None
    predicted: RealisedPredictedType0 | None
    realised: RealisedRealised
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.realised_predicted_type_0 import RealisedPredictedType0

        id = str(self.id)

        run_id = self.run_id

        state: str = self.state

        rank: int | None
        rank = self.rank

        predicted: dict[str, Any] | None
        if isinstance(self.predicted, RealisedPredictedType0):
            predicted = self.predicted.to_dict()
        else:
            predicted = self.predicted

        realised = self.realised.to_dict()

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
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.realised_predicted_type_0 import RealisedPredictedType0
        from ..models.realised_realised import RealisedRealised

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        run_id = d.pop("run_id")

        state = check_realised_state(d.pop("state"))

        def _parse_rank(data: object) -> int | None:
            if data is None:
                return data
            return cast("int | None", data)

        rank = _parse_rank(d.pop("rank"))

        def _parse_predicted(data: object) -> RealisedPredictedType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                predicted_type_0 = RealisedPredictedType0.from_dict(data)

                return predicted_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RealisedPredictedType0", data)

        predicted = _parse_predicted(d.pop("predicted"))

        realised = RealisedRealised.from_dict(d.pop("realised"))

        realised = cls(
            id=id,
            run_id=run_id,
            state=state,
            rank=rank,
            predicted=predicted,
            realised=realised,
        )

        realised.additional_properties = d
        return realised

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
