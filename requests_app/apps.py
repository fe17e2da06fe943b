from django.apps import AppConfig


class RequestsConfig(AppConfig):
    name = "requests_app"
    label = "requests_app"
    verbose_name = "Requests"

    def ready(self) -> None:
        from getdata.common.openapi import register_examples
        from requests_app import reminders, webhook_topics
        from requests_app.api_examples import EXAMPLES

        reminders.register_all()
        webhook_topics.register_all()
        register_examples(EXAMPLES)
