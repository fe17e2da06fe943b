from django.apps import AppConfig


class RequestsConfig(AppConfig):
    name = "requests_app"
    label = "requests_app"
    verbose_name = "Requests"

    def ready(self) -> None:
        from requests_app import reminders, webhook_topics

        reminders.register_all()
        webhook_topics.register_all()
