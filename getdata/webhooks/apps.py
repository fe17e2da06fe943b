from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "getdata.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from getdata.audit.signals import recorded
        from getdata.common.openapi import register_examples
        from getdata.common.sealed_columns import SealedColumn, register
        from getdata.webhooks import organizations
        from getdata.webhooks.examples import EXAMPLES
        from getdata.webhooks.outgoing import announce, key_scope

        organizations.register_all()
        register_examples(EXAMPLES)
        register(SealedColumn("webhooks.SigningKey", "sealed", lambda row: key_scope(row.endpoint), ("endpoint",)))
        recorded.connect(announce, dispatch_uid="webhooks")
