from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "getdata.accounts"
    label = "accounts"

    def ready(self) -> None:
        from getdata.accounts import reminders, sign_in_records

        reminders.register_all()
        sign_in_records.connect()
