"""The console's pages of huge tables: counted to a bound, and no further."""

import pytest

from organizations.models import User
from orgbilling.web import paginating
from orgbilling.web.paginating import BoundedPaginator
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three(monkeypatch):
    """Three rows are counted, and five are there."""
    monkeypatch.setattr(paginating, "COUNTED", 3)
    for _ in range(5):
        make_user()


def test_a_small_list_is_counted_exactly(django_assert_num_queries):
    with django_assert_num_queries(1):
        pages = BoundedPaginator(User.objects.order_by("email")[:3], 2)
        assert (pages.count, pages.is_more, pages.count_text) == (3, False, "3")
        assert pages.num_pages == 2


def test_a_large_list_is_counted_to_the_bound_in_one_query(django_assert_num_queries):
    pages = BoundedPaginator(User.objects.order_by("email"), 2)
    with django_assert_num_queries(1) as captured:
        assert (pages.count, pages.is_more, pages.count_text) == (3, True, "3+")
    assert "LIMIT 4" in captured[0]["sql"]
    assert "ORDER BY" not in captured[0]["sql"]
    assert pages.num_pages == 2
    assert len(pages.page(2).object_list) == 1


def test_what_is_no_query_is_counted_too():
    assert BoundedPaginator([1, 2, 3, 4], 2).count_text == "3+"
    assert BoundedPaginator([], 2).count_text == "0"


def test_thousands_are_told_apart():
    pages = BoundedPaginator(list(range(2)), 2)
    pages.count = 1_234
    assert pages.count_text == "1,234"
