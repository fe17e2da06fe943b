from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "getdata.accounts"
    label = "accounts"
