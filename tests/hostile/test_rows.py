"""Which tests stand for which row of the table of hostile inputs: none may be lost unnoticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hostile.inputs import inputs

TESTS = Path(__file__).parents[1]

ROWS: dict[str, tuple[str, ...]] = {
    # what the service must answer
    "grids of 10^6, 10^12, 10^100": ("a grid of 10^6", "a grid of 10^12", "a grid of 10^100", "a grid of 2^10,800"),
    "10,000 parameters; 1 parameter of 10^6 choices": ("10,000 parameters", "a million choices", "140,000 choices"),
    "a constraint of 1 MB, 10,000 deep, a power tower, a division by zero": (
        "constraint: 1 MB", "constraint: depth 10,000", "constraint: 9**9**9**9", "constraint: x / 0",
    ),
    "constraints with quotes, dunder names, Unicode look-alikes": (
        "constraint: quotes in quotes", "constraint: dunder names", "constraint: a look-alike name",
        "space/test_constraints.py::", "test_repository.py::test_nothing_is_unpickled_or_evaluated",
    ),
    "NaN, Infinity, 1e400, 10^30": ("run: NaN", "run: Infinity", "run: 1e400", "run: 10^30", "run: NaN in quotes"),
    "NUL in strings and keys": ("run: NUL in a string", "run: NUL in a key"),
    "lone surrogates": ("run: lone high surrogate", "run: lone low surrogate", "run: lone surrogate in a key"),
    "duplicate keys; twins that only Unicode tells apart": (
        "run: a name twice", "run: two spellings of one name", "names that only Unicode tells apart",
        "api/test_projects_api.py::test_a_name_is_one_name_however_its_accents_are_spelt",
    ),
    "depth 100,000; 10^5 keys": ("run: depth 100,000", "run: 95,000 keys"),
    "BOM, wrong charset, truncated": ("run: a byte order mark", "run: UTF-16", "run: UTF-16 declared", "run: cut off"),
    "2^53+1, 400 digits, 5,000 digits": ("run: 2^53+1", "run: 400 digits", "run: 5,000 digits"),
    "true or a text for a number; a misspelt field": (
        "run: true for a number", "run: a number in quotes", "run: a misspelt field",
    ),
    "a body over the limit, with and without Content-Length": (
        "run: a body over the limit", "run: a body over the limit in chunks",
        "hostile/test_wire.py::test_a_length_beyond_the_limit_is_refused_before_the_body_is_sent",
    ),
    "a gzip bomb": ("run: a gzip bomb", "recommend: a gzip bomb"),
    "a drip; an idle connection": (
        "hostile/test_wire.py::test_a_body_that_drips_is_given_up",
        "hostile/test_wire.py::test_a_head_that_does_not_come_is_given_up",
        "faults/test_slow_clients.py::test_a_connection_that_says_nothing_is_closed",
    ),
    "a wrong Content-Type, two, none": ("run: text/plain", "run: two Content-Types", "run: no Content-Type"),
    "a lying length; 10,000 headers": (
        "hostile/test_wire.py::test_a_body_shorter_than_announced_stores_nothing",
        "hostile/test_wire.py::test_a_head_has_a_limit",
    ),
    "one line of 100 MB": ("hostile/test_wire.py::test_a_line_of_100_megabytes_is_refused_in_little_memory",),
    "a batch of a million faults": (
        "hostile/test_wire.py::test_others_are_answered_while_a_batch_of_a_million_faults_is_read",
    ),
    "empty, null, an array, two documents, a comment": (
        "run: blank", "run: null", "run: an empty array", "run: two documents", "run: a comment",
    ),
    "SQL, HTML, templates, paths, formulas as names": (
        "'; drop table runs;--", "<script>alert(1)</script>", "{{7*7}}", "../../../../etc/passwd", "=cmd|",
        "hostile/test_surface.py::test_names_are_shown_as_data",
    ),
    "log injection": (
        "a line break in a name", "hostile/test_secrets.py::test_every_line_of_the_log_is_one_object",
        "hostile/test_secrets.py::test_nothing_that_was_sent_is_logged",
    ),
    "__proto__, constructor, an empty name, 10 KB, U+202E": (
        "the name '__proto__'", "the name 'constructor'", "the name ''", "the name 'xxxx", "the name '\\u202egnp.exe'",
    ),
    "paths and addresses in ids and static files": ("id: runs: a path", "path: GET /docs/", "path: GET /.git/config"),
    "one run_id from 64 clients at once": (
        "api/test_runs.py::test_of_64_twins_one_is_created",
        "api/test_runs.py::test_of_64_runs_that_claim_one_name_one_is_created",
        "flows/test_ingest.py::", "store/test_upsert.py::",
    ),
    "batches that share runs in opposite orders": (
        "store/test_upsert.py::test_batches_that_share_runs_in_any_order_do_not_deadlock",
        "store/test_upsert.py::test_datasets_written_in_any_order_do_not_deadlock",
    ),
    "a run referring to another project's recommendation": (
        "run: another's recommendation", "api/test_access.py::test_a_run_cannot_follow_what_was_recommended_to_others",
        "hostile/test_surface.py::test_a_foreign_recommendation_is_told_like_one_that_does_not_exist",
    ),
    # further ones
    "bounds in the wrong order, a log scale from 0, a step of 0": (
        "low above high", "a log scale from 0", "a step of 0", "a step of 1e-300", "equal bounds",
    ),
    "equal choices; choices that differ in type alone": ("equal choices", "a choice of each type"),
    "conditions in a circle, on nobody, 200 deep": (
        "conditions in a circle", "when of nobody", "a chain of 200 conditions",
    ),
    "an unsatisfiable constraint": ("no_feasible_configuration",),
    "an unknown metric; no history": ("flows/test_recommend.py::", "search/test_cold_start.py::"),
    "texts that make a regular expression run away": ("a timestamp of 50 KB that nearly matches",),
    "a tampered cursor; limit 0, -1, 10^9; an unknown filter; 1,000 ranges": (
        "cursor: x", "limit 0", "limit -1", "limit 10^9", "an unknown filter", "1,000 ranges",
    ),
    "year 10000, -1, a leap second, no zone, seconds since 1970, an end before its start": (
        "year 10000", "year -1", "a leap second", "no time zone", "seconds since 1970", "an end before its start",
    ),
    "no metric, a null metric": ("run: no metric", "run: a null metric"),
    "a loss of 1e300, -1 second": (
        "learn/test_scores.py::test_what_nothing_measures_is_implausible_and_a_diverged_loss_is_not",
        "learn/test_train.py::test_one_training_of_minus_one_second_keeps_no_other_off_the_log",
        "search/test_cold_start.py::test_absurd_outcomes_break_no_answer",
        "learn/test_gaussian_process.py::test_absurd_outcomes_leave_the_range_of_no_number",
    ),
    "one configuration with many outcomes, constant outcomes, datasets of one run": (
        "learn/test_train.py::test_many_outcomes_of_one_configuration_are_noise",
        "learn/test_train.py::test_scores_that_do_not_vary_are_learned_from_however_many",
        "quality/test_poison.py::test_a_twentieth_of_poison_costs_little",
    ),
}  # fmt: skip

INPUTS = inputs()
NAMES = [text for given in INPUTS for text in (given["name"], given.get("code") or "")]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_its_tests(row: str) -> None:
    assert [reference for reference in ROWS[row] if not _is_there(reference)] == []


def _is_there(reference: str) -> bool:
    """A part of the name, or of the problem's code, of an input; or `file::beginning of a test`."""
    file, colons, test = reference.partition("::")
    if not colons:
        return any(reference in name for name in NAMES)
    return (
        re.search(rf"^(async )?def {re.escape(test or 'test_')}", (TESTS / file).read_text(), re.MULTILINE) is not None
    )
