from typing import Literal

OutcomeConstraintOp = Literal["<=", ">="]

OUTCOME_CONSTRAINT_OP_VALUES: set[OutcomeConstraintOp] = {
    "<=",
    ">=",
}


def check_outcome_constraint_op(value: str) -> OutcomeConstraintOp:
    if value in OUTCOME_CONSTRAINT_OP_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OUTCOME_CONSTRAINT_OP_VALUES!r}")
