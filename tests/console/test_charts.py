"""Charts: what is drawn is what was counted."""

import pytest

from orgbilling.console.charts import BOTTOM, HEIGHT, TOP, bar, compact, rounded_percent, stacked

ROOM = HEIGHT - TOP - BOTTOM


def height(rect):
    return float(rect.height)


def value_of(chart, rect):
    """The credits that a rectangle's height stands for, by the chart's own lines."""
    first, last = chart.lines[0], chart.lines[-1]
    units = float(first.y) - float(last.y)
    return height(rect) / units * LINES_SPAN[(first.label.text, last.label.text)]


LINES_SPAN = {("0", "400"): 400, ("-100", "300"): 400}


def test_heights_stand_for_the_numbers_and_add_up():
    chart = stacked(["1 May", "2 May"], [("lookup", [100, 50]), ("export", [200, 350])])
    heights = [[round(value_of(chart, rect)) for rect in day.rects] for day in chart.columns]
    assert heights == [[100, 200], [50, 350]]
    for column in chart.columns:
        below, above = column.rects
        assert float(above.y) + height(above) == pytest.approx(float(below.y), abs=0.02)
    assert float(chart.columns[1].rects[0].y) + height(chart.columns[1].rects[0]) == pytest.approx(
        float(chart.lines[0].y), abs=0.02
    )
    assert chart.rows == (("1 May", (100, 200), 300), ("2 May", (50, 350), 400))
    assert chart.total == 700
    assert [(entry.css, entry.name, entry.total) for entry in chart.key] == [
        ("ob-s1", "lookup", 150),
        ("ob-s2", "export", 550),
    ]


def test_a_day_tells_its_numbers_when_hovered():
    chart = stacked(["1 May"], [("lookup", [1_234]), ("export", [0]), ("mail", [-2_000])])
    assert chart.columns[0].title == "1 May: -766\nlookup: 1,234\nmail: -2,000"


@pytest.mark.parametrize("days", [0, 1, 30])
def test_nothing_used_is_an_empty_chart_with_a_scale(days):
    names = [f"day {number}" for number in range(days)]
    chart = stacked(names, [("lookup", [0] * days)] if days else [])
    assert chart.is_empty
    assert chart.total == 0
    assert len(chart.columns) == days
    assert [line.label.text for line in chart.lines] == ["0", "1"]


def test_no_series_at_all():
    chart = stacked(["1 May", "2 May"], [])
    assert chart.is_empty
    assert chart.key == ()
    assert chart.rows == (("1 May", (), 0), ("2 May", (), 0))


def test_one_day_fills_the_width():
    chart = stacked(["1 May"], [("lookup", [7])])
    (column,) = chart.columns
    assert float(column.area.width) > 600
    assert [label.text for label in chart.labels] == ["1 May"]


def test_refunds_hang_below_zero():
    chart = stacked(["1 May", "2 May"], [("lookup", [300, -60]), ("export", [0, -40])])
    zero = next(float(line.y) for line in chart.lines if line.label.text == "0")
    assert chart.lines[0].label.text == "-100"
    charged, refunded = chart.columns
    assert float(charged.rects[0].y) + height(charged.rects[0]) == pytest.approx(zero, abs=0.02)
    first, second = refunded.rects
    assert float(first.y) == pytest.approx(zero, abs=0.02)
    assert float(second.y) == pytest.approx(float(first.y) + height(first), abs=0.02)
    assert [round(value_of(chart, rect)) for rect in refunded.rects] == [60, 40]
    assert chart.rows[1] == ("2 May", (-60, -40), -100)


def test_a_day_of_both_is_drawn_on_both_sides():
    chart = stacked(["1 May"], [("lookup", [300]), ("export", [-100])])
    up, down = chart.columns[0].rects
    assert float(up.y) + height(up) == pytest.approx(float(down.y), abs=0.02)
    assert chart.total == 200


def test_only_refunds():
    chart = stacked(["1 May"], [("lookup", [-5])])
    assert not chart.is_empty
    assert chart.lines[-1].label.text == "0"
    assert height(chart.columns[0].rects[0]) > 0


@pytest.mark.parametrize("huge", [10**15, 9 * 10**18, 10**19])
def test_huge_numbers_stay_inside_and_without_exponents(huge):
    chart = stacked(["1 May", "2 May"], [("lookup", [huge, 1])])
    for column in chart.columns:
        for rect in column.rects:
            assert "e" not in rect.height + rect.y
            assert float(rect.y) >= TOP - 0.01
            assert height(rect) <= ROOM + 0.01
    assert all(len(line.label.text) <= 8 for line in chart.lines)


def test_as_many_labels_as_fit_each_at_its_day():
    names = [f"{number} May" for number in range(1, 31)]
    chart = stacked(names, [("lookup", list(range(30)))])
    assert 5 <= len(chart.labels) <= 7
    for label in chart.labels:
        area = chart.columns[names.index(label.text)].area
        assert float(area.x) < float(label.x) < float(area.x) + float(area.width)


def test_lines_are_round_numbers_and_few():
    for most in (1, 3, 7, 99, 101, 12_345, 999_999):
        chart = stacked(["1 May"], [("lookup", [most])])
        assert 2 <= len(chart.lines) <= 6
        assert chart.lines[0].label.text == "0"


def test_many_series_share_the_last_colour():
    chart = stacked(["1 May"], [(f"service {number}", [1]) for number in range(9)])
    assert [rect.css for rect in chart.columns[0].rects][5:] == ["ob-s6", *["ob-s7"] * 3]


def test_a_bar_is_as_wide_as_its_parts():
    used, held, left = bar([("a", "Used", 1), ("b", "Held", 1), ("c", "Left", 2)])
    assert (used.rect.x, used.rect.width) == ("0%", "25%")
    assert (held.rect.x, held.rect.width) == ("25%", "25%")
    assert (left.rect.x, left.rect.width) == ("50%", "50%")
    assert [part.percent for part in (used, held, left)] == ["25 %", "25 %", "50 %"]


def test_a_bar_of_nothing_has_no_width():
    assert [part.rect.width for part in bar([("a", "Used", 0), ("b", "Held", 0)])] == ["0%", "0%"]
    assert [part.rect.width for part in bar([("a", "Used", 5), ("b", "Left", -3)])] == [
        "100%",
        "0%",
    ]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 10, "0 %"),
        (1, 1_000, "< 1 %"),
        (999, 1_000, "> 99 %"),
        (1, 3, "33 %"),
        (2, 3, "67 %"),
        (3, 3, "100 %"),
        (1, 0, "0 %"),
    ],
)
def test_per_cents_never_hide_anything(part, whole, text):
    assert rounded_percent(part, whole) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1_000, "1k"),
        (1_500, "1.5k"),
        (250_000, "250k"),
        (20_000_000, "20M"),
        (3 * 10**9, "3B"),
        (-2_500, "-2.5k"),
        (10**18, "1,000Q"),
    ],
)
def test_numbers_beside_the_lines_are_short(number, text):
    assert compact(number) == text
