"""What observability.py makes of an alarm: raised where CloudWatch would raise it, and nowhere else."""

import pytest
from observability import MINUTE, fires
from stack import NETWORKS
from transformed import resources

HOUR = 60 * MINUTE
DAY = 24 * HOUR
# The orders of a small shop: four a day, none at night.
OPEN = (9, 12.5, 16, 20)
# Those of a shop that sells at any hour.
BUSY = tuple(hour / 4 for hour in range(96))
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


def orders(days: int, hours: tuple, value) -> list[tuple[int, float]]:
    """What is measured of each order: `value` of its number."""
    times = [int(day * DAY + hour * HOUR) for day in range(days) for hour in hours]
    return [(at, value(number)) for number, at in enumerate(times)]


@pytest.fixture(scope="module")
def deployed(template):
    """An alarm of the template under these parameters, or else their defaults."""

    def under(name: str, **given: int) -> dict:
        defaults = {key: parameter.get("Default") for key, parameter in template["Parameters"].items()}
        alarm = resources(template, "AWS::CloudWatch::Alarm")[f"{name}Alarm"]
        refs = {key: value["Ref"] for key, value in alarm.items() if isinstance(value, dict) and "Ref" in value}
        return alarm | {key: int((defaults | given)[ref]) for key, ref in refs.items()}

    return under


# 1 for each that is refused or rejected, 0 for each other.
OF_ALL_ORDERS = ["AllRefused", "WebhookAllRefused", *(f"{network.prefix}AllRejected" for network in NETWORKS)]


@pytest.mark.parametrize("name", OF_ALL_ORDERS)
def test_a_small_shop_whose_orders_are_all_refused_is_seen_on_the_first_day(deployed, name):
    assert fires(deployed(name), orders(1, OPEN, lambda number: 1))
    # After days on which all was well, too.
    assert fires(deployed(name), orders(4, OPEN, lambda number: number >= 12))


@pytest.mark.parametrize("name", OF_ALL_ORDERS)
def test_a_shop_some_of_whose_orders_are_refused_raises_nothing_by_day_or_night(deployed, name):
    every_other = orders(7, OPEN, lambda number: number % 2)
    the_last_of_each_day = orders(7, OPEN, lambda number: number % 4 == 3)
    one_alone = orders(7, OPEN, lambda number: number == 9)
    most_of_many = orders(7, BUSY, lambda number: number % 20 != 0)

    for measured in (every_other, the_last_of_each_day, one_alone, most_of_many):
        assert not fires(deployed(name), measured)


@pytest.mark.parametrize("name", OF_ALL_ORDERS)
def test_a_busy_shop_learns_of_it_after_two_hours_if_it_wants(deployed, name):
    an_hour_and_a_half = orders(1, BUSY, lambda number: number >= 90)
    two_hours = orders(1, BUSY, lambda number: number >= 87)

    assert not fires(deployed(name, AllOrdersSeconds=3600), an_hour_and_a_half)
    assert fires(deployed(name, AllOrdersSeconds=3600), two_hours)
    assert not fires(deployed(name), two_hours)


def test_a_shop_whose_clicks_are_lost_is_seen_however_few_orders_it_has(deployed):
    lost_from_the_fifth_day_on = lambda number: number < 16  # noqa: E731

    assert fires(deployed("NoClicks"), orders(7, OPEN, lost_from_the_fifth_day_on))
    assert not fires(deployed("NoClicks"), orders(6, OPEN, lost_from_the_fifth_day_on))


def test_a_busy_shop_learns_after_three_hours_that_its_clicks_are_lost_if_it_wants(deployed):
    two_hours = orders(1, BUSY, lambda number: number < 87)
    three_hours = orders(1, BUSY, lambda number: number < 83)

    assert not fires(deployed("NoClicks", NoClicksSeconds=3600), two_hours)
    assert fires(deployed("NoClicks", NoClicksSeconds=3600), three_hours)
    assert not fires(deployed("NoClicks"), three_hours)


def test_a_shop_with_an_order_every_other_day_is_seen_if_it_wants(deployed):
    lost, some, refused = ([(2 * day * DAY + 11 * HOUR, value) for day, value in enumerate(values)]
                           for values in ([1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [0, 0, 1, 1]))  # fmt: skip
    slow = {"NoClicksSeconds": 172_800, "AllOrdersSeconds": 172_800}

    assert fires(deployed("NoClicks", **slow), lost)
    assert not fires(deployed("NoClicks", **slow), some)
    assert not fires(deployed("NoClicks"), lost)
    for name in OF_ALL_ORDERS:
        assert fires(deployed(name, **slow), refused)
        assert not fires(deployed(name, **slow), some)
        assert not fires(deployed(name), refused)


def test_a_shop_with_few_clicks_raises_nothing_by_day_or_night(deployed):
    one_in_ten = orders(7, OPEN, lambda number: number % 10 == 0)
    one_a_day_of_many = orders(7, BUSY, lambda number: number % 96 == 40)

    assert not fires(deployed("NoClicks"), one_in_ten)
    assert not fires(deployed("NoClicks"), one_a_day_of_many)


def test_a_closed_shop_raises_nothing(deployed):
    before_and_after = orders(1, OPEN, lambda number: 0) + [(5 * DAY, 0.0)]

    for name in [*OF_ALL_ORDERS, "NoClicks"]:
        assert not fires(deployed(name), before_and_after), name


def test_a_small_shop_whose_key_is_wrong_raises_no_alarm_of_a_flood(deployed):
    assert not fires(deployed("WebhookRefusal"), orders(4, OPEN, lambda number: 1))
