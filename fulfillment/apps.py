from django.apps import AppConfig


class FulfillmentConfig(AppConfig):
    name = "fulfillment"
    label = "fulfillment"

    def ready(self) -> None:
        from fulfillment import meter, receivers, reminders, totals, webhook_topics
        from requests_app import progress, signals

        signals.offer_accepted.connect(receivers.begin_fulfillment, dispatch_uid="begin_fulfillment")
        progress.register(meter.request_meter)
        progress.register_totals(totals.request_totals)
        reminders.register_all()
        webhook_topics.register_all()
