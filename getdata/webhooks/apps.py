from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "getdata.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from getdata.audit.signals import recorded
        from getdata.webhooks import organizations
        from getdata.webhooks.outgoing import announce

        organizations.register_all()
        recorded.connect(announce, dispatch_uid="webhooks")
