"""A person's own page: name, sign-in, API tokens."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from getdata.accounts import services
from getdata.accounts.forms import ProfileForm, TokenForm
from getdata.accounts.second_factor import recently_proven
from getdata.accounts.tokens import SCOPES, make_token, revoke_token
from getdata.accounts.views.common import person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_settings(request: HttpRequest) -> HttpResponse:
    """Name (edited here), e-mail, password and second factor (links), API tokens (list)."""
    user = person(request)
    form = ProfileForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(user=user, name=form.cleaned_data["name"], actor=user)
        except CannotDo as error:
            form.add_error("name", refusal_text(error))
        else:
            messages.success(request, "Your name is saved.")
            return redirect("account_settings")
    live = user.api_tokens.filter(revoked_at=None, expires_at__gt=timezone.now())
    tokens = Paginator(live, 25).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "tokens": [(token, [SCOPES.get(scope, scope) for scope in token.scopes]) for token in tokens],
        "page": tokens,
        "ended": user.api_tokens.count() - live.count(),
        "mfa": is_mfa_enabled(user),
        "addresses": EmailAddress.objects.filter(user=user).order_by("-primary", "email"),
    }
    return render(request, "accounts/account_settings.html", context)


@login_required
@recently_proven(why="key")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
def token_new(request: HttpRequest) -> HttpResponse:
    """Make an API token. Its secret is in the answer to this one request and nowhere else."""
    user = person(request)
    form = TokenForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = make_token(user=user, **form.cleaned_data)
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            context = {"token": token, "secret": secret, "scopes": [SCOPES[scope] for scope in token.scopes]}
            return render(request, "accounts/token_made.html", context)
    return render(request, "accounts/token_new.html", {"form": form})


@login_required
@require_POST
@shows_refusals("account_settings")
def token_revoke(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Make a token useless at once."""
    user = person(request)
    token = get_object_or_404(user.api_tokens, pk=pk)
    revoke_token(token=token, actor=user)
    messages.success(request, f"The token “{token.name}” is revoked. Scripts that use it stop working now.")
    return redirect("account_settings")
