"""An organization's customer and cards: its own, and nobody else's."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import payment_methods, providers
from billing.errors import PaymentProviderUnavailable
from billing.models import PaymentCustomer
from orgbilling.lib.errors import NotFound
from tests.billing.providers.conftest import customer_of

pytestmark = pytest.mark.django_db
URLS = {"success_url": "https://b.example/done", "cancel_url": "https://b.example/"}


def test_a_customer_is_made_once_with_name_and_address(server, alpha):
    for _ in range(2):
        payment_methods.start_setup(alpha, email="alice@example.com")
    (customer,) = server.account.customers.values()
    assert customer["metadata"] == {"org_id": str(alpha.pk)}
    assert (customer["name"], customer["email"]) == ("Test Org Alpha", "alice@example.com")
    assert PaymentCustomer.objects.get(org=alpha).customer_id == customer["id"]
    assert server.made("POST", "/v1/customers") == 1


def test_killed_between_the_answer_and_the_row_it_is_the_same_customer(server, alpha, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(PaymentCustomer.objects, "remember", die)
        with pytest.raises(Killed):
            payment_methods.start_setup(alpha)
    # A new name is no other request.
    alpha.display_name = "Alpha, Inc."
    payment_methods.start_setup(alpha)
    (customer,) = server.account.customers.values()
    assert customer["name"] == "Alpha, Inc."
    assert server.made("POST", "/v1/customers") == 2


def test_a_setup_for_stripe_js(server, alpha):
    start = payment_methods.start_setup(alpha)
    (setup,) = server.account.setups.values()
    assert start == providers.SetupStart(setup["client_secret"], "pk_test_local")


def test_the_first_card_of_the_hosted_page_becomes_the_default(server, alpha, owing):
    payment = owing(alpha)
    address = payment_methods.start_hosted_setup(alpha, **URLS)
    assert address.startswith("https://checkout.stripe.com/")
    (session,) = server.account.sessions.values()
    name = session["id"]
    assert session["mode"] == "setup"
    assert server.account.leads_back(name) == f"{URLS['success_url']}?setup={name}"
    assert payment_methods.take_in(alpha.pk, name) is False
    card = server.account.complete_session(name)
    assert payment_methods.take_in(alpha.pk, name) is True
    assert payment_methods.take_in(alpha.pk, name) is False
    (method,) = payment_methods.methods(alpha.pk)
    assert method == providers.PaymentMethod(card, "visa", "4242", 12, 2030, is_default=True)
    asked = ProcrastinateJob.objects.get(task_name="billing.collect_payment", args__now="yes")
    assert asked.args["payment_id"] == str(payment.pk)


def test_no_card_but_the_one_that_was_entered_becomes_the_default(server, alpha, globex):
    kept = server.account.add_card(customer_of(alpha))
    customer_of(globex)
    for organization in (globex, alpha):
        payment_methods.start_hosted_setup(organization, **URLS)
    foreign, own = server.account.sessions
    server.account.complete_session(foreign)
    for subject in ("", "cs_unknown", "../customers", "\0", foreign, own):
        assert payment_methods.take_in(alpha.pk, subject) is False
    (method,) = payment_methods.methods(alpha.pk)
    assert (method.id, method.is_default) == (kept, False)


def test_cards_are_listed_default_first_then_the_newest(server, alpha, carded):
    default = carded(alpha)
    older, newer = (server.account.add_card(customer_of(alpha)) for _ in range(2))
    assert [one.id for one in payment_methods.methods(alpha.pk)] == [default, newer, older]
    payment_methods.set_default(org_id=alpha.pk, method_id=older)
    assert [one.id for one in payment_methods.methods(alpha.pk)] == [older, newer, default]


def test_a_card_is_removed(server, alpha, carded):
    card = carded(alpha)
    payment_methods.detach(org_id=alpha.pk, method_id=card)
    assert payment_methods.methods(alpha.pk) == []
    assert providers.current().default_method(customer_of(alpha)) is None


def test_without_a_customer_there_are_no_cards(server, alpha):
    assert payment_methods.methods(alpha.pk) == []
    with pytest.raises(NotFound):
        payment_methods.detach(org_id=alpha.pk, method_id="pm_1")
    assert server.requests == []


@pytest.mark.parametrize("work", [payment_methods.set_default, payment_methods.detach])
def test_another_organization_s_card_is_not_found(server, alpha, globex, carded, work):
    own, foreign = carded(alpha), carded(globex)
    for card in (foreign, "pm_unknown", "../customers", ""):
        with pytest.raises(NotFound):
            work(org_id=alpha.pk, method_id=card)
    assert [one.id for one in payment_methods.methods(alpha.pk)] == [own]
    assert [(one.id, one.is_default) for one in payment_methods.methods(globex.pk)] == [
        (foreign, True)
    ]


def test_nobody_answering_is_said(server, alpha, carded):
    carded(alpha)
    server.fail("/v1/customers", "cut")
    with pytest.raises(PaymentProviderUnavailable):
        payment_methods.methods(alpha.pk)


def test_a_wrong_key_is_no_answer(server, alpha, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    with pytest.raises(PaymentProviderUnavailable):
        payment_methods.start_setup(alpha)


def test_a_customer_that_was_deleted_at_stripe_has_no_card(server, alpha, carded):
    carded(alpha)
    provider, customer = providers.current(), customer_of(alpha)
    server.account.customers[customer]["deleted"] = True
    assert provider.default_method(customer) is None
    del server.account.customers[customer]
    assert provider.default_method(customer) is None
    with pytest.raises(PaymentProviderUnavailable):
        payment_methods.start_setup(alpha)
