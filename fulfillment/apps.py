from django.apps import AppConfig


class FulfillmentConfig(AppConfig):
    name = "fulfillment"
    label = "fulfillment"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from fulfillment import meter, receivers, reminders, sealed_things, totals, webhook_topics, write_once
        from fulfillment.desk import kinds
        from requests_app import progress, signals

        signals.offer_accepted.connect(receivers.begin_fulfillment, dispatch_uid="begin_fulfillment")
        pre_migrate.connect(write_once.before_migrate, sender=self, dispatch_uid="write_once_before")
        post_migrate.connect(write_once.after_migrate, sender=self, dispatch_uid="write_once_after")
        progress.register(meter.request_meter)
        progress.register_totals(totals.request_totals)
        reminders.register_all()
        kinds.register_all()
        webhook_topics.register_all()
        sealed_things.register_all()
