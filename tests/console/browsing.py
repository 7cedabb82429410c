"""What a person does on the console's pages, by the test client."""

from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from organizations.models import Organization, User


def signed_in(user: User) -> Client:
    """The person's browser."""
    client = Client()
    client.force_login(user)
    return client


def address(name: str, organization: Organization, *more: Any) -> str:
    """Where a page of an organization is."""
    return reverse(f"admin:{name}", args=[organization.pk, *more])


def text_of(response: HttpResponse) -> str:
    """The page as text."""
    return response.content.decode()


def fields_of(response: HttpResponse) -> dict[str, Any]:
    """What the form on the page would send, hidden fields included."""
    form = response.context["form"]
    values = {field.name: field.value() for field in form}
    return {name: value for name, value in values.items() if value is not None}


def review(client: Client, url: str, **values: Any) -> HttpResponse:
    """Open the form and send it filled in; the review, or the form with errors."""
    opened = client.get(url)
    assert opened.status_code == 200, opened.status_code
    return client.post(url, {**fields_of(opened), **values})


def confirm(client: Client, url: str, reviewed: HttpResponse) -> HttpResponse:
    """Confirm what is reviewed; where it leads, followed."""
    assert reviewed.context["preview"] is not None, text_of(reviewed)
    return client.post(url, {**fields_of(reviewed), "confirmed": "1"}, follow=True)


def do(client: Client, url: str, **values: Any) -> HttpResponse:
    """Fill in, review and confirm."""
    return confirm(client, url, review(client, url, **values))
