"""The pages about plans, invoices and payment methods."""

from __future__ import annotations

from typing import Final

from orgbilling.console.money_pages.canceling import (
    CancelAtPeriodEnd,
    CancelNow,
    KeepSubscription,
)
from orgbilling.console.money_pages.changing import ChangeSubscription, ClearSchedule
from orgbilling.console.money_pages.details import EditBillingDetails
from orgbilling.console.money_pages.history import BillingHistory
from orgbilling.console.money_pages.invoices import InvoiceList, InvoicePage, InvoicePdf
from orgbilling.console.money_pages.methods import (
    AddCard,
    CardAdded,
    MakeDefault,
    PaymentMethods,
    RemoveCard,
)
from orgbilling.console.money_pages.paying import PayNow
from orgbilling.console.money_pages.settling import MarkPaid, VoidInvoice
from orgbilling.console.money_pages.subscribing import Subscribe
from orgbilling.console.money_pages.subscription import SubscriptionPage
from orgbilling.console.pages import Page

ORG: Final = "org/<uuid:org_id>/"
SUBSCRIPTION: Final = f"{ORG}subscription/"
INVOICE: Final = f"{ORG}invoices/<uuid:invoice_id>/"
CARDS: Final = f"{ORG}payment-methods/"
CARD: Final = f"{CARDS}<slug:method_id>/"

#: Route below ``/admin/``, view, name.
PAGES: Final[tuple[tuple[str, type[Page], str], ...]] = (
    (SUBSCRIPTION, SubscriptionPage, "org_subscription"),
    (f"{SUBSCRIPTION}subscribe/", Subscribe, "org_subscribe"),
    (f"{SUBSCRIPTION}change/", ChangeSubscription, "org_change_subscription"),
    (f"{SUBSCRIPTION}clear/", ClearSchedule, "org_clear_schedule"),
    (f"{SUBSCRIPTION}cancel/", CancelAtPeriodEnd, "org_cancel_at_period_end"),
    (f"{SUBSCRIPTION}keep/", KeepSubscription, "org_keep_subscription"),
    (f"{SUBSCRIPTION}cancel-now/", CancelNow, "org_cancel_now"),
    (f"{ORG}billing/", BillingHistory, "org_billing_history"),
    (f"{ORG}billing-details/", EditBillingDetails, "org_billing_details"),
    (f"{ORG}invoices/", InvoiceList, "org_invoices"),
    (INVOICE, InvoicePage, "org_invoice"),
    (f"{INVOICE}pdf/", InvoicePdf, "org_invoice_pdf"),
    (f"{INVOICE}paid/", MarkPaid, "org_mark_paid"),
    (f"{INVOICE}void/", VoidInvoice, "org_void_invoice"),
    (f"{INVOICE}pay/", PayNow, "org_pay_now"),
    (CARDS, PaymentMethods, "org_payment_methods"),
    (f"{CARDS}add/", AddCard, "org_add_card"),
    (f"{CARDS}added/", CardAdded, "org_card_added"),
    (f"{CARD}default/", MakeDefault, "org_make_default"),
    (f"{CARD}remove/", RemoveCard, "org_remove_card"),
)
