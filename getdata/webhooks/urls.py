"""Addresses of an organization's webhooks."""

from django.urls import path

from getdata.webhooks import views

_ALL = "organizations/<slug:slug>/webhooks/"
_ONE = f"{_ALL}<uuid:pk>/"

urlpatterns = [
    path(_ALL, views.webhook_list, name="webhook_list"),
    path(_ONE, views.webhook_detail, name="webhook_detail"),
    path(f"{_ONE}rotate/", views.webhook_rotate, name="webhook_rotate"),
    path(f"{_ONE}retire/", views.webhook_retire, name="webhook_retire"),
    path(f"{_ONE}test/", views.webhook_test, name="webhook_test"),
    path(f"{_ONE}switch/", views.webhook_switch, name="webhook_switch"),
    path(f"{_ONE}remove/", views.webhook_remove, name="webhook_remove"),
    path(f"{_ONE}deliveries/<uuid:delivery>/again/", views.webhook_again, name="webhook_again"),
]
