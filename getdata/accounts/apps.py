from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "getdata.accounts"
    label = "accounts"

    def ready(self) -> None:
        from getdata.accounts import reminders

        reminders.register_all()
