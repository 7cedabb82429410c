"""What the console's sign-in and sign-out pages show of single sign-on: nothing unless it is on."""

from typing import Any

from django import template

from organizations.sign_on.configuration import console_is_on

register = template.Library()


@register.inclusion_tag("console/sso_button.html", takes_context=True)
def sso_button(context: template.RequestContext) -> dict[str, Any]:
    """The button that begins a sign-in and leads where the person wanted to go."""
    request = context.get("request")
    wanted = context.get("next") or (request.GET.get("next", "") if request else "")
    return {"on": console_is_on(), "wanted": wanted}


@register.inclusion_tag("console/sso_end_session.html")
def sso_end_session() -> dict[str, Any]:
    """The link that ends the session at the provider too."""
    return {"on": console_is_on()}
