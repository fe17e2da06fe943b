"""Addresses of the inbox."""

from django.urls import path

from getdata.notifications import views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/read/", views.notifications_read_all, name="notifications_read_all"),
    path("notifications/preferences/", views.notification_preferences, name="notification_preferences"),
    path("notifications/unsubscribe/<str:token>/", views.notification_unsubscribe, name="notification_unsubscribe"),
    path("notifications/<uuid:pk>/", views.notification_open, name="notification_open"),
    path("notifications/<uuid:pk>/read/", views.notification_read, name="notification_read"),
]
