"""Addresses of people and organizations."""

from django.urls import path

from getdata.accounts.views import account, devices, members, organizations, sign_in, verification

_ONE = "organizations/<slug:slug>/"

urlpatterns = [
    path("organizations/", organizations.organization_list, name="organization_list"),
    path("organizations/new/", organizations.organization_new, name="organization_new"),
    path(_ONE, organizations.organization_detail, name="organization_detail"),
    path(f"{_ONE}edit/", organizations.organization_edit, name="organization_edit"),
    path(f"{_ONE}submit/", organizations.organization_submit, name="organization_submit"),
    path(f"{_ONE}history/", organizations.organization_history, name="organization_history"),
    path(f"{_ONE}checklist/<slug:key>/", organizations.organization_evidence, name="organization_evidence"),
    path(
        f"{_ONE}checklist/<slug:key>/decision/", verification.organization_item_decide, name="organization_item_decide"
    ),
    path(f"{_ONE}verify/", verification.organization_verify, name="organization_verify"),
    path(f"{_ONE}reject/", verification.organization_reject, name="organization_reject"),
    path(f"{_ONE}suspend/", verification.organization_suspend, name="organization_suspend"),
    path(f"{_ONE}reinstate/", verification.organization_reinstate, name="organization_reinstate"),
    path(f"{_ONE}members/", members.organization_members, name="organization_members"),
    path(f"{_ONE}members/<uuid:pk>/role/", members.membership_role, name="membership_role"),
    path(f"{_ONE}members/<uuid:pk>/remove/", members.membership_remove, name="membership_remove"),
    path(f"{_ONE}invitations/", members.invitation_new, name="invitation_new"),
    path(f"{_ONE}invitations/<uuid:pk>/revoke/", members.invitation_revoke, name="invitation_revoke"),
    path("invitations/mine/<uuid:pk>/", members.invitation_accept_own, name="invitation_accept_own"),
    path("invitations/<str:token>/", members.invitation_accept, name="invitation_accept"),
    path("verification/", verification.verification_queue, name="verification_queue"),
    path("account/", account.account_settings, name="account_settings"),
    path("account/devices/<int:pk>/end/", devices.device_end, name="device_end"),
    path("account/devices/end-others/", devices.device_end_others, name="device_end_others"),
    path("account/still-here/", devices.still_here, name="still_here"),
    path("account/second-step/", sign_in.second_step, name="second_step"),
    path("account/tokens/new/", account.token_new, name="token_new"),
    path("account/tokens/<uuid:pk>/revoke/", account.token_revoke, name="token_revoke"),
]
