from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "getdata.accounts"
    label = "accounts"

    def ready(self) -> None:
        from getdata.accounts import failed_sign_ins, reminders, sign_in_records
        from getdata.accounts.sealed_factors import seal_factors_anew
        from getdata.common.sealed_columns import register_other

        register_other("second factors", seal_factors_anew)
        reminders.register_all()
        sign_in_records.connect()
        failed_sign_ins.connect()
