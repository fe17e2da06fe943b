"""Pages about who belongs to an organization, and the answer to an invitation."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts import selectors, services
from getdata.accounts.forms import InviteForm, RoleForm
from getdata.accounts.models import Invitation, Organization, Role, User
from getdata.accounts.permissions import confirmed_addresses
from getdata.accounts.views.common import frame, organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals


@login_required
@require_safe
def organization_members(request: HttpRequest, slug: str) -> HttpResponse:
    """Members with their roles, invitations that wait; for owners also the means to change them."""
    return _members_page(request, organization_or_404(request, slug), InviteForm())


@login_required
@require_POST
@shows_refusals("organization_members")
def invitation_new(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Invite somebody by e-mail."""
    organization = organization_or_404(request, slug)
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invitation = services.invite(organization=organization, **form.cleaned_data, actor=person(request))
        except CannotDo as error:
            form.add_error("email" if error.code in _ABOUT_EMAIL else None, refusal_text(error))
        else:
            messages.success(request, f"The invitation to {invitation.email} is on its way.")
            return redirect("organization_members", slug=slug)
    return _members_page(request, organization, form)


_ABOUT_EMAIL = frozenset({"bad_email", "already_member", "already_invited"})


@login_required
@require_POST
@shows_refusals("organization_members")
def invitation_revoke(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Take an invitation back."""
    organization = organization_or_404(request, slug)
    invitation = get_object_or_404(selectors.visible_invitations(organization, person(request)), pk=pk)
    services.revoke_invitation(invitation=invitation, actor=person(request))
    messages.success(request, f"The invitation to {invitation.email} is revoked. Its link no longer works.")
    return redirect("organization_members", slug=slug)


@login_required
@require_POST
@shows_refusals("organization_members")
def membership_role(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Give a member another role."""
    organization = organization_or_404(request, slug)
    membership = get_object_or_404(organization.memberships.select_related("user"), pk=pk)
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    changed = services.change_role(membership=membership, role=role, actor=person(request))
    messages.success(request, f"{membership.user} is now {changed.get_role_display().lower()}.")
    return redirect("organization_members", slug=slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("organization_members")
def membership_remove(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Remove a member, or leave: a page that says what it means, then the act."""
    user = person(request)
    organization = organization_or_404(request, slug)
    membership = get_object_or_404(organization.memberships.select_related("user"), pk=pk)
    leaving = membership.user_id == user.pk
    if request.method == "POST":
        services.remove_member(membership=membership, actor=user)
        if leaving:
            messages.success(request, f"You have left {organization.name}.")
            return redirect("organization_list")
        messages.success(request, f"{membership.user} no longer belongs to {organization.name}.")
        return redirect("organization_members", slug=slug)
    context = {**frame(organization, user, "members"), "membership": membership, "leaving": leaving}
    return render(request, "accounts/membership_remove.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation. Who has no account yet is sent to sign up, and comes back here."""
    invitation = services.find_invitation(token=token)
    here = reverse("invitation_accept", args=[token])
    if request.method == "POST" and request.user.is_authenticated:
        try:
            membership = services.accept_invitation(token=token, actor=person(request))
        except CannotDo as error:
            messages.error(request, refusal_text(error))
            return redirect(here)
        messages.success(request, f"Welcome to {membership.organization.name}.")
        return redirect("organization_detail", slug=membership.organization.slug)
    if request.method == "POST":
        return redirect(f"{reverse('account_login')}?{urlencode({'next': here})}")
    context = {"invitation": invitation, "here": here, "state": _state_of(invitation, request.user)}
    if invitation is not None:
        context["role"] = Role(invitation.role).label.lower()
        context["signup"] = f"{reverse('account_signup')}?{urlencode({'next': here, 'email': invitation.email})}"
        context["login"] = f"{reverse('account_login')}?{urlencode({'next': here})}"
    return render(request, "accounts/invitation.html", context, status=404 if invitation is None else 200)


@login_required
@require_POST
@shows_refusals("organization_list")
def invitation_accept_own(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Accept an invitation to a confirmed address of one's own, from the list of organizations."""
    user = person(request)
    mine = Invitation.objects.filter(email__in=confirmed_addresses(user)).select_related("organization")
    membership = services.accept_own_invitation(invitation=get_object_or_404(mine, pk=pk), actor=user)
    messages.success(request, f"Welcome to {membership.organization.name}.")
    return redirect("organization_detail", slug=membership.organization.slug)


def _state_of(invitation: Invitation | None, user: object) -> str:
    """What the invitation's page has to say: unknown, over, member, sign_in, other_address or ready."""
    if invitation is None:
        return "unknown"
    if isinstance(user, User) and user.memberships.filter(organization=invitation.organization).exists():
        return "member"
    if not invitation.is_live:
        return "over"
    if not isinstance(user, User):
        return "sign_in"
    return "ready" if invitation.email.lower() in confirmed_addresses(user) else "other_address"


def _members_page(request: HttpRequest, organization: Organization, form: InviteForm) -> HttpResponse:
    user = person(request)
    page = Paginator(selectors.visible_members(organization), 50).get_page(request.GET.get("page"))
    invitations = list(selectors.visible_invitations(organization, user)[:100])
    context = {
        **frame(organization, user, "members"),
        "page": page,
        "live": [i for i in invitations if i.is_live],
        "past": [i for i in invitations if not i.is_live][:20],
        "form": form,
        "roles": Role.choices,
        "me": user,
    }
    return render(request, "accounts/organization_members.html", context)
