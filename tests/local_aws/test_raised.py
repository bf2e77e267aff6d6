"""What observability.py makes of an alarm: raised where CloudWatch would raise it, and nowhere else."""

import pytest
from observability import MINUTE, fires

HOUR = 60 * MINUTE
EVERY_MINUTE = [(minute * MINUTE, 1.0) for minute in range(25)]


@pytest.mark.parametrize(("changes", "measured", "expected"), [
    ({}, [], False),
    ({}, [(0, 0)], False),
    ({}, [(0, 1)], True),
    # More than so many in a quarter of an hour, wherever that begins; not in more than that.
    ({"Period": 900, "Threshold": 20}, [(13 * MINUTE, 10), (16 * MINUTE, 11)], True),
    ({"Period": 900, "Threshold": 20}, EVERY_MINUTE, False),
    ({"Statistic": "Average", "Threshold": 0.5}, [(0, 1), (1, 0)], False),
    # Every value of two hours, not of one.
    ({"Statistic": "Minimum", "Period": 3600, "EvaluationPeriods": 2}, [(HOUR, 1)], False),
    ({"Statistic": "Minimum", "Period": 3600, "EvaluationPeriods": 2}, [(0, 1), (HOUR, 1)], True),
    ({"Statistic": "Minimum", "Period": 3600, "EvaluationPeriods": 2}, [(0, 1), (1, 0), (HOUR, 1)], False),
    ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [(0, 1), (2 * MINUTE, 1)], True),
    ({"EvaluationPeriods": 3}, [(0, 1), (2 * MINUTE, 1)], False),
    # What stays away is raised by missing values.
    ({"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 2, "TreatMissingData": "breaching"}, [(0, 0)], True),
    ({"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 2, "TreatMissingData": "notBreaching"}, [(0, 0)], False),
])  # fmt: skip
def test_an_alarm_is_raised_as_cloudwatch_raises_it(changes, measured, expected):
    alarm = {"Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0,
             "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}  # fmt: skip
    assert fires(alarm | changes, measured) is expected
