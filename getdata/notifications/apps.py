from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "getdata.notifications"
    label = "notifications"

    def ready(self) -> None:
        from getdata.common.openapi import register_examples
        from getdata.notifications.examples import EXAMPLES

        register_examples(EXAMPLES)
