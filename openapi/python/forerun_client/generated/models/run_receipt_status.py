from typing import Literal

RunReceiptStatus = Literal["created", "duplicate"]

RUN_RECEIPT_STATUS_VALUES: set[RunReceiptStatus] = {
    "created",
    "duplicate",
}


def check_run_receipt_status(value: str) -> RunReceiptStatus:
    if value in RUN_RECEIPT_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RUN_RECEIPT_STATUS_VALUES!r}")
