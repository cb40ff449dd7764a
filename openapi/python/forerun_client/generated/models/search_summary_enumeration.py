from typing import Literal

SearchSummaryEnumeration = Literal["bounded", "exact", "exhaustive", "sampled"]

SEARCH_SUMMARY_ENUMERATION_VALUES: set[SearchSummaryEnumeration] = {
    "bounded",
    "exact",
    "exhaustive",
    "sampled",
}


def check_search_summary_enumeration(value: str) -> SearchSummaryEnumeration:
    if value in SEARCH_SUMMARY_ENUMERATION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SEARCH_SUMMARY_ENUMERATION_VALUES!r}")
