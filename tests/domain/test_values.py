"""Money, and times as the database keeps them."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import Money, milliseconds, timestamp

instants = st.datetimes(timezones=st.just(UTC))
amounts = st.integers(-(10**16) + 1, 10**16 - 1)
currencies = st.sampled_from(("EUR", "USD", "JPY"))


@given(amounts, currencies)
def test_money_is_read_as_it_was_written(units: int, currency: str) -> None:
    money = Money(units, currency)
    assert Money.parse(str(money)) == money


@given(amounts)
def test_the_amount_of_money_is_exact(units: int) -> None:
    money = Money(units, "EUR")
    assert money.amount * 10_000 == units
    assert Decimal(str(money).removesuffix(" EUR")) == money.amount


@pytest.mark.parametrize(
    ("text", "units", "written"),
    [
        ("49.9 EUR", 499_000, "49.90 EUR"),
        ("49 EUR", 490_000, "49.00 EUR"),
        ("0.0001 EUR", 1, "0.0001 EUR"),
        ("-0.50 EUR", -5_000, "-0.50 EUR"),
        ("-0 EUR", 0, "0.00 EUR"),
        ("007 EUR", 70_000, "7.00 EUR"),
        ("1.250 EUR", 12_500, "1.25 EUR"),
    ],
)
def test_money_has_two_to_four_decimals(text: str, units: int, written: str) -> None:
    assert Money.parse(text) == Money(units, "EUR")
    assert str(Money(units, "EUR")) == written


@pytest.mark.parametrize(
    "text",
    ["", "49.90", "EUR", "49.90EUR", "49,90 EUR", "49.90 eur", "1.00001 EUR", "1. EUR", ".5 EUR", "+1 EUR",
     "1e3 EUR", "1_000 EUR", "9999999999999 EUR", "49.90 EUR\n", "٤٩ EUR", "49.90 EURO"],
)  # fmt: skip
def test_anything_else_is_no_money(text: str) -> None:
    with pytest.raises(ValueError, match="four decimals"):
        Money.parse(text)


@given(instants, instants)
def test_timestamps_sort_as_the_times_do(one: datetime, other: datetime) -> None:
    early, late = sorted((milliseconds(one), milliseconds(other)))
    assert timestamp(early) <= timestamp(late)
    assert (timestamp(early) == timestamp(late)) is (early == late)


@given(instants)
def test_a_timestamp_is_the_time_to_the_millisecond(at: datetime) -> None:
    assert datetime.fromisoformat(timestamp(at)) == milliseconds(at)
    assert timedelta() <= at - milliseconds(at) < timedelta(milliseconds=1)
    assert milliseconds(milliseconds(at)) == milliseconds(at)


def test_times_are_kept_and_written_in_utc() -> None:
    at = datetime(2026, 1, 31, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(at) == "2026-01-31T12:00:00.999Z"
    assert milliseconds(at) == datetime(2026, 1, 31, 12, 0, 0, 999_000, tzinfo=UTC)
