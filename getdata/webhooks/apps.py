from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "getdata.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from getdata.audit.signals import recorded
        from getdata.common.openapi import register_examples
        from getdata.webhooks import organizations
        from getdata.webhooks.examples import EXAMPLES
        from getdata.webhooks.outgoing import announce

        organizations.register_all()
        register_examples(EXAMPLES)
        recorded.connect(announce, dispatch_uid="webhooks")
