from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "getdata.notifications"
    label = "notifications"
